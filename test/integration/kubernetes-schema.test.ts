import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { typeOfKind } from "../../kubernetes/schema.ts";
import { mergeStrategically } from "../../kubernetes/strategic-merge.ts";
import { compactSchema } from "../support/compact-schema.ts";
import { enterSandbox, type SandboxHarness } from "../support/sandbox-harness.ts";
import { strategicMergeCases } from "../support/strategic-merge-cases.ts";

const namespace = "strategic-merge";
let harness: SandboxHarness;
beforeAll(async () => {
  harness = await enterSandbox();
  await harness.kubernetes.request("POST", "/api/v1/namespaces", { body: { metadata: { name: namespace } } });
});
afterAll(async () => {
  await harness.kubernetes.request("DELETE", `/api/v1/namespaces/${namespace}`);
});

// `vitest run --project integration test/integration/kubernetes-schema.test.ts -u` writes it anew.
test("what is known of Kubernetes' types is what the API server says", async () => {
  const schema = compactSchema(await harness.kubernetes.request("GET", "/openapi/v2"));
  await expect(`${JSON.stringify(schema, undefined, 1)}\n`).toMatchFileSnapshot("../../kubernetes/schema.json");
});

describe("the API server merges a patch in the same way, the order of lists included", () => {
  test.each(strategicMergeCases.map((one, index) => [one.what, index, one] as const))(
    "%s",
    async (_what, index, { kind, base, patch }) => {
      const { kubernetes } = harness;
      const name = `case-${index}`;
      const isService = kind === "Service";
      const collection = isService
        ? `/api/v1/namespaces/${namespace}/services`
        : `/apis/apps/v1/namespaces/${namespace}/deployments`;
      const metadata = { name, ...Object(Object(base).metadata) };
      const spec = isService ? { ports: [{ port: 80 }], ...Object(base).spec } : { replicas: 0, ...Object(base).spec };
      const created = asObject(await kubernetes.request("POST", collection, { body: { ...base, metadata, spec } }));
      const dryRun = { dryRun: "All" };
      // The controller that writes the status meanwhile is none of this test's business.
      const { resourceVersion: _version, ...lasting } = asObject(created["metadata"]);
      const known = { ...created, metadata: lasting };
      const merged = mergeStrategically(known, asObject(patch), typeOfKind(isService ? "v1" : "apps/v1", kind));
      const ours = asObject(await kubernetes.request("PUT", `${collection}/${name}`, { body: merged, query: dryRun }));
      const theirs = asObject(
        await kubernetes.request("PATCH", `${collection}/${name}`, {
          body: patch,
          contentType: "application/strategic-merge-patch+json",
          query: dryRun,
        }),
      );
      expect(JSON.stringify(ours["spec"])).toBe(JSON.stringify(theirs["spec"]));
      expect(asObject(ours["metadata"])["labels"]).toEqual(asObject(theirs["metadata"])["labels"]);
    },
  );
});

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value) as Readonly<Record<string, unknown>>;
}
