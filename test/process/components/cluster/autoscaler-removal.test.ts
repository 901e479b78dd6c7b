import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { autoscalerRemoval, markedAsAutoscaled } from "../../../../components/cluster/autoscaler-removal.ts";
import { temporaryDirectory } from "../../../../core/atomic-file.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";
import { openMockEngine } from "../../../support/mock-engine.ts";

let cluster: KubernetesStandIn;
let folder: ReturnType<typeof temporaryDirectory>;
let warn: ReturnType<typeof vi.spyOn>;
const kubeconfig = (): string => join(folder.path, "kubeconfig");

beforeEach(async () => {
  cluster = await KubernetesStandIn.start();
  folder = temporaryDirectory("autoscaler-test-");
  cluster.writeKubeconfig(kubeconfig());
  await openMockEngine("dev", { values: {}, secretKeys: [] });
  warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue(undefined);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await cluster[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const autoscaler = "/apis/autoscaling/v2/namespaces/shop-dev/horizontalpodautoscalers/link";
const fixed: JsonMap = { metadata: { name: "link", namespace: "shop-dev" }, spec: { replicas: 2 } };

/** What the engine does before it updates the Deployment. @param access by default the machine's own kubeconfig */
async function update(oldInputs: JsonMap, access: Parameters<typeof autoscalerRemoval>[0] = {}): Promise<void> {
  const type = "kubernetes:apps/v1:Deployment";
  const urn = `urn:pulumi:dev::delivery::${type}::link`;
  await autoscalerRemoval(access).callback({
    urn,
    id: "shop-dev/link",
    name: "link",
    type,
    oldInputs,
    newInputs: fixed,
  });
}

test.each<[what: string, olds: JsonMap, deleted: string[]]>([
  ["was autoscaled", markedAsAutoscaled(fixed), [autoscaler]],
  ["was autoscaled, and declared without replicas", { ...fixed, spec: {} }, [autoscaler]],
  ["was not", fixed, []],
])("of a Deployment that %s", async (_what, olds, deleted) => {
  vi.stubEnv("KUBECONFIG", kubeconfig());
  cluster.deletions.set(autoscaler, 200);
  await update(olds);
  expect(cluster.deleted).toEqual(deleted);
  expect(warn).not.toHaveBeenCalled();
});

test("an autoscaler that is gone already is none", async () => {
  vi.stubEnv("KUBECONFIG", kubeconfig());
  await update(markedAsAutoscaled(fixed));
  expect(cluster.deleted).toEqual([autoscaler]);
  expect(warn).not.toHaveBeenCalled();
});

test("the kubeconfig and the context are those of the stack", async () => {
  vi.stubEnv("KUBECONFIG", join(folder.path, "none"));
  cluster.deletions.set(autoscaler, 200);
  const content = pulumi.secret(readFileSync(kubeconfig(), "utf8"));
  await update(markedAsAutoscaled(fixed), { kubeconfig: content, context: "stand-in" });
  expect(cluster.deleted).toEqual([autoscaler]);
  await update(markedAsAutoscaled(fixed), { kubeconfig: content, context: "other" });
  expect(warn.mock.calls).toEqual([[expect.stringContaining('context "other" is not in')]]);
});

test("a refusal is a warning with the way out, and the update goes on", async () => {
  vi.stubEnv("KUBECONFIG", kubeconfig());
  cluster.deletions.set(autoscaler, 403);
  await update(markedAsAutoscaled(fixed));
  expect(warn.mock.calls).toEqual([
    [
      expect.stringMatching(
        /^link: its autoscaler could not be removed .*answered 403.*`pulumi up --refresh` once more$/,
      ),
    ],
  ]);
});
