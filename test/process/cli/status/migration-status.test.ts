import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openCluster } from "../../../../cli/project/cluster.ts";
import { readMigrationStatus } from "../../../../cli/status/migration-status.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

function job(name: string, service: string, digit: string, createdAt: string, condition: string): JsonMap {
  const containers = [{ name: service, image: `docker.io/acme/shop-${service}@${digest(digit)}` }];
  return {
    metadata: { name, creationTimestamp: createdAt, labels: { "app.kubernetes.io/name": `${service}-migration` } },
    spec: { template: { spec: { containers } } },
    status: { conditions: [{ type: condition, status: "True", message: "it is over" }] },
  };
}

test("the newest migration of each service, with the log of one that has failed", async () => {
  const directory = mkdtempSync(join(tmpdir(), "migration-status-"));
  await using cluster = await KubernetesStandIn.start();
  cluster.writeKubeconfig(join(directory, "kubeconfig"));
  cluster.lists.set("/apis/batch/v1/namespaces/shop-dev/jobs", [
    job("link-migration-2", "link", "2", "2026-11-03T10:00:00Z", "Failed"),
    job("link-migration-1", "link", "1", "2026-11-02T10:00:00Z", "Complete"),
    job("user-migration-1", "user", "3", "2026-11-02T10:00:00Z", "Complete"),
  ]);
  cluster.lists.set("/api/v1/namespaces/shop-dev/pods", [
    { metadata: { name: "pod" }, spec: { containers: [{ name: "link" }] } },
  ]);
  cluster.answer = (path) =>
    path === "/api/v1/namespaces/shop-dev/pods/pod/log" ? "begin\nno such table\n" : undefined;
  const client = openCluster({ KUBECONFIG: join(directory, "kubeconfig") }, undefined);
  const found = await readMigrationStatus(client, { app: "shop", namespace: "shop-dev" }, new AbortController().signal);
  expect(found).toEqual([
    {
      service: "link",
      job: "link-migration-2",
      digest: digest("2"),
      state: "failed",
      message: "it is over",
      log: ["begin", "no such table"],
    },
    { service: "user", job: "user-migration-1", digest: digest("3"), state: "ok", message: null, log: [] },
  ]);
  rmSync(directory, { recursive: true });
});
