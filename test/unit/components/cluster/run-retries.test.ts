import { expect, test } from "vitest";
import { retriedAmong, retriedRuns } from "../../../../components/cluster/run-retries.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";

const job = (condition?: string, annotations: Record<string, string> = {}): KubernetesObject => ({
  metadata: { name: "link-migration-a1a1a1a1-1", annotations, labels: { "app.kubernetes.io/name": "link-migration" } },
  status: { conditions: condition === undefined ? [] : [{ type: condition, status: "True" }] },
});
const mark = { "pulumi.com/replaceUnready": "true" };

test.each<[what: string, job: KubernetesObject, isRetried: boolean]>([
  ["that has failed", job("Failed"), true],
  ["that has succeeded", job("Complete"), false],
  ["that runs", job(), false],
  ["that runs, and is the second attempt", job(undefined, mark), false],
  ["that is the second attempt, and has succeeded: its mark is no change", job("Complete", mark), true],
  [
    "that is not of this program",
    { metadata: { name: "a" }, status: { conditions: [{ type: "Failed", status: "True" }] } },
    false,
  ],
])("of a Job %s", (_what, found, isRetried) =>
  expect([...retriedAmong([found])]).toEqual(isRetried ? ["link-migration"] : []),
);

test("a cluster that cannot be asked has none", async () => {
  const access = { context: "of-no-kubeconfig" };
  expect([...(await retriedRuns(access, "shop-dev", [{ kind: "job" }]))]).toEqual([]);
});
