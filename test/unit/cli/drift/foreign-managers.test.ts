import { expect, test } from "vitest";
import { foreignManagerFindings } from "../../../../cli/drift/foreign-managers.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";

const containers = (fields: JsonMap): JsonMap => ({
  "f:spec": { "f:template": { "f:spec": { "f:containers": fields } } },
});
const link = (fields: JsonMap): JsonMap => containers({ 'k:{"name":"link"}': fields });
const by = (manager: string, fieldsV1: JsonMap, others: JsonMap = {}): JsonMap => ({
  manager,
  operation: "Update",
  fieldsType: "FieldsV1",
  fieldsV1,
  ...others,
});
const argoCd = by("argocd-controller", link({ ".": {}, "f:name": {}, "f:image": {} }), { operation: "Apply" });
const pod = "spec.template.spec";

/** As `kubectl rollout restart` writes it. */
const restarted: JsonMap = {
  "f:spec": {
    "f:template": {
      "f:metadata": { "f:annotations": { ".": {}, "f:kubectl.kubernetes.io/restartedAt": {} } },
    },
  },
};

const managedBy = (...managedFields: JsonMap[]) =>
  foreignManagerFindings("Deployment link", { metadata: { name: "link", managedFields } }).map(({ change }) => change);

test.each<[what: string, entry: JsonMap, manager: string, fields: string]>([
  [
    "an environment variable",
    by("kubectl-edit", link({ "f:env": { ".": {}, 'k:{"name":"DEBUG"}': { ".": {}, "f:name": {}, "f:value": {} } } })),
    "kubectl-edit",
    `${pod}.containers[link].env[DEBUG]`,
  ],
  [
    "a sidecar",
    by("kubectl-patch", containers({ 'k:{"name":"debug"}': { ".": {}, "f:name": {}, "f:image": {} } })),
    "kubectl-patch",
    `${pod}.containers[debug]`,
  ],
  [
    "a port, which has two keys",
    by("k9s", link({ "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } } })),
    "k9s",
    `${pod}.containers[link].ports[containerPort=80,protocol=TCP]`,
  ],
  [
    "an element by its value",
    by("lens", link({ "f:args": { 'v:"-v"': {} } })),
    "lens",
    `${pod}.containers[link].args["-v"]`,
  ],
  ["an element by its index", by("lens", { "f:spec": { "f:rules": { "i:0": {} } } }), "lens", "spec.rules[0]"],
  [
    "an annotation, by server-side apply",
    by(
      "kubectl",
      { "f:metadata": { "f:annotations": { ".": {}, "f:example.com/owner": {} } } },
      { operation: "Apply" },
    ),
    "kubectl",
    'metadata.annotations["example.com/owner"]',
  ],
  [
    "replicas, by the subresource",
    by("kubectl", { "f:spec": { "f:replicas": {} } }, { subresource: "scale" }),
    "kubectl",
    "spec.replicas",
  ],
  ["an empty map", by("kubectl", { "f:spec": { "f:strategy": { ".": {} } } }), "kubectl", "spec.strategy"],
  ["keys that are no JSON", by("odd", containers({ "k:{": { ".": {} } })), "odd", `${pod}.containers[{]`],
  ["a writer without a name", by("", { "f:spec": { "f:paused": {} } }), "a writer without a name", "spec.paused"],
  [
    "a name that only resembles a controller",
    by("kube-controller", { "f:data": { "f:A": {} } }),
    "kube-controller",
    "data.A",
  ],
  [
    "one that resembles Argo CD",
    by("argocd-controller-2", { "f:data": { "f:A": {} } }),
    "argocd-controller-2",
    "data.A",
  ],
])("names %s, and who has set it", (_what, entry, manager, fields) =>
  expect(managedBy(argoCd, entry)).toEqual([`has ${fields} from ${manager}, neither from Argo CD nor from the stack`]),
);

test.each<[what: string, entry: JsonMap]>([
  ["the same field as declared", by("kubectl", link({ "f:image": {} }))],
  ["the same element as declared", by("kubectl", link({ ".": {}, "f:name": {} }))],
  ["a rollout's revision", by("kube-controller-manager", { "f:metadata": { "f:annotations": { "f:revision": {} } } })],
  ["an autoscaler", by("kube-controller-manager", { "f:spec": { "f:replicas": {} } }, { subresource: "scale" })],
  ["a status", by("anybody", { "f:status": { "f:replicas": {} } }, { subresource: "status" })],
  ["a status without the subresource", by("anybody", { "f:status": { "f:replicas": {} } })],
  ["a finalizer", by("controller", { "f:metadata": { "f:finalizers": { ".": {}, 'v:"a/b"': {} } } })],
  ["Pulumi", by("pulumi-kubernetes-1a2b3c4d", { "f:data": { "f:A": {} } }, { operation: "Apply" })],
  ["Argo CD without server-side apply", by("argocd-application-controller", { "f:data": { "f:A": {} } })],
  ["the controller manager of K3s", by("k3s", { "f:spec": { "f:replicas": {} } }, { subresource: "scale" })],
  ["a restart by kubectl", by("kubectl-rollout", restarted)],
  [
    "what kubectl has applied last",
    by("kubectl", {
      "f:metadata": { "f:annotations": { ".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {} } },
    }),
  ],
  ["the kubelet", by("kubelet", { "f:metadata": { "f:labels": { "f:a": {} } } })],
  ["an entry without fields", { manager: "kubectl", operation: "Update" }],
  ["fields that are none", { manager: "kubectl", operation: "Update", fieldsV1: "x" }],
])("says nothing of %s", (_what, entry) => expect(managedBy(argoCd, entry)).toEqual([]));

test("whoever reports the status of an object is its controller, by whatever name; kubectl is none", () => {
  const reports = (manager: string): JsonMap =>
    by(manager, { "f:status": { "f:replicas": {} } }, { subresource: "status" });
  const revision: JsonMap = { "f:metadata": { "f:annotations": { "f:deployment.kubernetes.io/revision": {} } } };
  expect(managedBy(argoCd, by("one-binary", revision), reports("one-binary"))).toEqual([]);
  expect(managedBy(argoCd, by("kubectl-edit", revision), reports("kubectl-edit"))).toEqual([
    'has metadata.annotations["deployment.kubernetes.io/revision"] from kubectl-edit, neither from Argo CD nor from the stack',
  ]);
});

test("two entries of one manager are one finding, of which the first five fields are shown", () => {
  const letters = (...names: string[]): JsonMap => ({
    "f:data": Object.fromEntries(names.map((name) => [`f:${name}`, {}])),
  });
  expect(
    managedBy(
      by("kubectl", letters("A", "B", "C", "D")),
      by("kubectl", letters("D", "E", "F", "G"), { operation: "Apply" }),
    ),
  ).toEqual([
    "has data.A, data.B, data.C, data.D, data.E and 2 more fields from kubectl, neither from Argo CD nor from the stack",
  ]);
});

test("an object without managed fields has none", () => expect(managedBy()).toEqual([]));

test("statusText is not the status", () =>
  expect(managedBy(by("kubectl", { "f:statusText": {} }))).toEqual([
    "has statusText from kubectl, neither from Argo CD nor from the stack",
  ]));

test.each([
  ["to which of its pods a Service leads", "rollouts-controller", { "f:spec": { "f:selector": {} } }],
  ["how a route splits requests", "gatewayAPI", { "f:spec": { "f:rules": {} } }],
])("%s is Argo Rollouts' to say", (_what, manager, fields: JsonMap) => {
  expect(managedBy(by(manager, fields))).toEqual([]);
  expect(managedBy(by("kubectl-edit", fields))).toHaveLength(1);
});
