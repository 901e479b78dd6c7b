import { expect, test } from "vitest";
import { clusterFindings, type ClusterCheckArgs, type ClusterStatus } from "../../../../cli/drift/cluster-check.ts";
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
