import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { temporaryDirectory } from "../../../core/atomic-file.ts";
import { outputOf } from "../../../core/process.ts";
import { writeYaml } from "../../../core/yaml.ts";
import { buildTools } from "../../../sandbox/machine/tools/go-tools.ts";
import { strategicMergeCases } from "../../support/strategic-merge-cases.ts";

// Users know patches from kustomize: what they write must mean the same here.
let kustomize: string;
beforeAll(async () => {
  ({ kustomize } = await buildTools(["kustomize"], () => undefined));
}, 1_800_000);

const directory = temporaryDirectory("strategic-merge-");
afterAll(() => directory[Symbol.dispose]());

const cases = strategicMergeCases.filter(({ lostByKustomize = false }) => !lostByKustomize);

test.each(cases.map((one, index) => [one.what, index, one] as const))(
  "kustomize does the same: %s",
  async (_what, index, { kind, base, patch, result }) => {
    const own = join(directory.path, String(index));
    const object = { apiVersion: kind === "Service" ? "v1" : "apps/v1", kind, metadata: { name: "link" } };
    mkdirSync(own);
    writeFileSync(join(own, "object.yaml"), writeYaml(whole(object, base)));
    writeFileSync(join(own, "patch.yaml"), writeYaml(whole(object, patch)));
    const kustomization = { resources: ["object.yaml"], patches: [{ path: "patch.yaml" }] };
    writeFileSync(join(own, "kustomization.yaml"), writeYaml(kustomization));
    const rendered: unknown = parse(await outputOf(kustomize, ["build", own]));
    expect(unordered(rendered)).toEqual(unordered(whole(object, result)));
  },
);

/** With the name that kustomize goes by. */
function whole(object: { metadata: object }, part: object): object {
  const metadata = "metadata" in part ? part.metadata : {};
  return { ...object, ...part, metadata: { ...object.metadata, ...Object(metadata) } };
}

/** Lists of named things in one order: kustomize orders some of them in another way than the API server. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(unordered).toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, unordered(item)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
