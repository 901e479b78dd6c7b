import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryDirectory, type TemporaryDirectory } from "../../../core/atomic-file.ts";
import { outputOf } from "../../../core/process.ts";
import { imagesIn, isReplaced } from "../../../git/manifest-images.ts";
import { recordWith } from "../../../git/release-record.ts";
import { buildTools } from "../../../sandbox/machine/tools/go-tools.ts";
import { writeYaml } from "../../../core/yaml.ts";

// What a release record changes, the real kustomize says.
let kustomize: string;
let directory: TemporaryDirectory;

beforeAll(async () => {
  ({ kustomize } = await buildTools(["kustomize"], () => undefined));
  directory = temporaryDirectory("manifest-images-");
}, 1_800_000);
afterAll(() => directory[Symbol.dispose]());

const before = `sha256:${"a".repeat(64)}`;
const digest = `sha256:${"b".repeat(64)}`;

const names = [
  "docker.io/acme/shop-link",
  "acme/shop-link",
  "index.docker.io/acme/shop-link",
  "Docker.io/acme/shop-link",
  "docker.io/acme/shop",
  "docker.io/acme/shop-link-v2",
  "docker.io/library/shop-link",
  "shop-link",
  "localhost:5001/acme/shop-link",
  "localhost/acme/shop-link",
  "registry.example:5000/a.b/c_d",
  "registry-example:5000/a.b/c_d",
  "registry.example:5000/a-b/c_d",
  "[::1]:5001/acme/shop-link",
];
const suffixes = ["", ":1.2", `@${before}`, `:1.2@${before}`, ":{tag}", ":"];

test("kustomize changes those images of whose names we say so, and no others", async () => {
  const images = names.flatMap((name) => suffixes.map((suffix) => `${name}${suffix}`));
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "link" },
    spec: { template: { spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) } } },
  };
  for (const [index, name] of names.entries()) {
    const path = join(directory.path, String(index));
    mkdirSync(join(path, "release"), { recursive: true });
    writeFileSync(join(path, "deployment.yaml"), writeYaml(deployment));
    writeFileSync(join(path, "kustomization.yaml"), "resources: [deployment.yaml]\ncomponents: [release]\n");
    writeFileSync(join(path, "release", "kustomization.yaml"), recordWith({ repository: name, digest }));
    const after = imagesIn(await outputOf(kustomize, ["build", path]));
    const changed = images.filter((image, at) => after[at] !== image);
    expect([name, changed]).toEqual([name, images.filter((image) => isReplaced(image, name))]);
  }
});
