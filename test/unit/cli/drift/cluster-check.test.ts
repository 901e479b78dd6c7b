import { expect, test } from "vitest";
import { clusterFindings, type ClusterCheckArgs, type ClusterStatus } from "../../../../cli/drift/cluster-check.ts";
import { ApiError } from "../../../../kubernetes/errors.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { withValue } from "../../../../kubernetes/object.ts";
import { runningService } from "../../../support/sample-running-service.ts";

const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;
const since = "2026-01-01T10:00:00Z";

const link = runningService("link", one, since);
const location: ClusterCheckArgs = {
  app: "shop",
  environment: "dev",
  namespace: "shop-dev",
  argoCdNamespace: "argocd",
  delivery: "gitops",
  records: new Map([["link", { image: { repository: "docker.io/acme/shop-link", digest: one } }]]),
  declared: new Set(["Namespace/shop-dev"]),
};
const cluster: ClusterStatus = {
  applications: [link.application],
  workloads: [link.deployment],
  runs: [],
  objects: new Map([["Deployment/link", link.deployment]]),
};

test.each<[what: string, changes: Partial<ClusterStatus>, findings: [what: string, change: string][]]>([
  ["nothing", {}, []],
  ["no Application", { applications: [], objects: new Map() }, [["Application shop-dev-link", "is not there"]]],
  [
    "an Application that is OutOfSync",
    {
      applications: [
        withValue(
          withValue(link.application, ["status", "sync", "status"], "OutOfSync"),
          ["status", "resources"],
          [
            { kind: "Deployment", name: "link", status: "OutOfSync" },
            { kind: "Service", name: "old", status: "OutOfSync", requiresPruning: true },
          ],
        ),
      ],
    },
    [
      ["Application shop-dev-link", "is OutOfSync"],
      ["Deployment link", "is other than in Git, says Argo CD"],
      ["Service old", "is not in Git any more"],
    ],
  ],
  [
    "an Application that is not Healthy",
    { applications: [withValue(link.application, ["status", "health", "status"], "Degraded")] },
    [["Application shop-dev-link", "is Degraded"]],
  ],
  [
    "an Application whose healing is switched off",
    { applications: [withValue(link.application, ["spec", "syncPolicy", "automated"], undefined)] },
    [["Application shop-dev-link", "does not heal itself: automated sync or its selfHeal is off"]],
  ],
  [
    "another image",
    { workloads: [runningService("link", two, since).deployment] },
    [["Deployment link", `runs docker.io/acme/shop-link@${two}, and sha256:111111111111 is released`]],
  ],
  ["no Deployment", { workloads: [] }, [["Deployment link", "is not there"]]],
  [
    "a Deployment that is not well",
    { workloads: [withValue(link.deployment, ["status", "availableReplicas"], 0)] },
    [["Deployment link", "is Progressing: 0 of 1 new pods are available"]],
  ],
  [
    "an extra object",
    { objects: new Map([...cluster.objects, ["Pod/by-hand", {}]]) },
    [["Pod by-hand", "is extra: neither Git nor the stack declares it"]],
  ],
])("on the cluster, %s is found as what it is", (_what, changes, findings) => {
  expect(clusterFindings(location, { ...cluster, ...changes })).toEqual(
    findings.map(([what, change]) => ({ what, change })),
  );
});

test("on the cluster, a service without pods before its first release is as declared", () => {
  const records = new Map([["link", { image: undefined }]]);
  const none = withValue(link.deployment, ["spec", "replicas"], 0);
  expect(clusterFindings({ ...location, records }, { ...cluster, workloads: [none] })).toEqual([]);
  expect(clusterFindings(location, { ...cluster, workloads: [none] })).toEqual([
    { what: "Deployment link", change: "is Suspended: no pods are wanted" },
  ]);
});

const image = `docker.io/acme/shop-link@${one}`;
const pods = (runs = image) => ({ spec: { containers: [{ name: "link", image: runs }] } });
const metadata = { name: "link", uid: "1", creationTimestamp: since };
const ended = (type: string, message = "") => ({ conditions: [{ type, status: "True", message }] });
const job = (status: JsonMap): JsonMap => ({ kind: "Job", metadata, spec: { template: pods() }, status });
const cron = (spec: JsonMap = {}): JsonMap => ({
  kind: "CronJob",
  metadata,
  spec: { jobTemplate: { spec: { template: pods() } }, ...spec },
});
const run = (type: string): JsonMap => ({
  kind: "Job",
  metadata: { name: "link-1", ownerReferences: [{ uid: "1" }] },
  spec: { template: pods() },
  status: ended(type, "reached its limit"),
});
const stateful: JsonMap = {
  kind: "StatefulSet",
  metadata,
  spec: { replicas: 2, template: pods(), volumeClaimTemplates: [{ metadata: { name: "data" } }] },
  status: { updatedReplicas: 2, readyReplicas: 2 },
};
/** Argo CD's Application of a service of a kind. */
const applied = (kind: string) =>
  withValue(link.application, ["status", "resources"], [{ kind, name: "link", status: "Synced" }]);

test.each<[what: string, kind: string, changes: Partial<ClusterStatus>, findings: [what: string, change: string][]]>([
  ["a job that has succeeded", "Job", { workloads: [job(ended("Complete"))] }, []],
  [
    "a job that has failed",
    "Job",
    { workloads: [job(ended("Failed", "reached its limit"))] },
    [["Job link", "is Degraded: reached its limit"]],
  ],
  ["a job that is gone", "Job", { workloads: [] }, [["Job link", "is not there"]]],
  ["a cron that has not run yet", "CronJob", { workloads: [cron()] }, []],
  ["a cron that has run", "CronJob", { workloads: [cron()], runs: [run("Complete")] }, []],
  [
    "a cron whose last run has failed",
    "CronJob",
    { workloads: [cron()], runs: [run("Failed")] },
    [["CronJob link", "is Degraded: its last run has failed: reached its limit"]],
  ],
  [
    "a cron that somebody has suspended",
    "CronJob",
    { workloads: [cron({ suspend: true })] },
    [["CronJob link", "is Suspended: is suspended, so it does not run"]],
  ],
  [
    "a cron of another image",
    "CronJob",
    { workloads: [cron({ jobTemplate: { spec: { template: pods("other") } } })] },
    [["CronJob link", "runs other, and sha256:111111111111 is released"]],
  ],
  ["a StatefulSet whose pods are ready", "StatefulSet", { workloads: [stateful] }, []],
  ["a Rollout that is gone", "Rollout", { workloads: [] }, [["Rollout link", "is not there"]]],
  [
    "a Rollout that may not be read",
    "Rollout",
    { workloads: [], hiddenRollouts: new ApiError("forbidden", { status: 403, reason: "Forbidden" }) },
    [],
  ],
  ["a StatefulSet that is gone", "StatefulSet", { workloads: [] }, [["StatefulSet link", "is not there"]]],
  [
    "a StatefulSet whose pods are not all new",
    "StatefulSet",
    { workloads: [withValue(stateful, ["status", "updatedReplicas"], 1)] },
    [["StatefulSet link", "is Progressing: 1 of 2 new pods are ready"]],
  ],
  [
    "claims, of which some are of pods",
    "StatefulSet",
    {
      workloads: [stateful],
      objects: new Map([
        ["StatefulSet/link", stateful],
        ...["data-link-0", "data-link-7", "data-link-old", "link-data", "data-cart-0"].map(
          (name) => [`PersistentVolumeClaim/${name}`, {}] as const,
        ),
      ]),
    },
    ["data-link-old", "link-data", "data-cart-0"].map((name) => [
      `PersistentVolumeClaim ${name}`,
      "is extra: neither Git nor the stack declares it",
    ]),
  ],
])("of another kind, %s is found as what it is", (_what, kind, changes, findings) => {
  const status = { ...cluster, applications: [applied(kind)], objects: new Map(), ...changes };
  expect(clusterFindings(location, status)).toEqual(findings.map(([what, change]) => ({ what, change })));
});
