import { expect, test } from "vitest";
import { ApiError } from "../../../../../kubernetes/errors.ts";
import { canonicalQuantity, normalize } from "../../../../../sandbox/providers/kubernetes/check.ts";
import {
  readCheckpoint,
  withSecrets,
  writeCheckpoint,
} from "../../../../../sandbox/providers/kubernetes/checkpoint.ts";
import { forceNewPaths, touches } from "../../../../../sandbox/providers/kubernetes/diff.ts";
import { kindOfToken } from "../../../../../sandbox/providers/kubernetes/discovery.ts";
import {
  differences,
  formatPath,
  parsePath,
  withoutIgnored,
} from "../../../../../sandbox/providers/kubernetes/property-diff.ts";
import { withoutSecrets } from "../../../../../sandbox/providers/kubernetes/provider.ts";
import { importedInputs, liveInputs } from "../../../../../sandbox/providers/kubernetes/read.ts";
import {
  conflictMessage,
  isTakeoverConflict,
  ownership,
  withIgnoredFields,
  withTakeover,
} from "../../../../../sandbox/providers/kubernetes/server-side-apply.ts";
import { selectPath } from "../../../../../sandbox/providers/kubernetes/wait-for.ts";
import { isSecret, secret, unknown, type PropertyMap } from "../../../../../sandbox/providers/property.ts";

const mutability = { configMaps: false, secrets: false };

test.each([
  ["1000m", "1"],
  ["0.5", "500m"],
  ["1.5", "1500m"],
  ["2000", "2k"],
  ["1024Mi", "1Gi"],
  ["1.5Gi", "1536Mi"],
  ["0.5Ki", "512"],
  ["0", "0"],
  ["100e3", "100e3"],
  ["many", "many"],
])("quantity %s is %s", (text, canonical) => {
  expect(canonicalQuantity(text)).toBe(canonical);
});

test.each([
  ["kubernetes:apps/v1:Deployment", { apiVersion: "apps/v1", kind: "Deployment" }],
  ["kubernetes:core/v1:Service", { apiVersion: "v1", kind: "Service" }],
  ["kubernetes:argoproj.io/v1alpha1:Application", { apiVersion: "argoproj.io/v1alpha1", kind: "Application" }],
  ["kubernetes:try.io/v1:JSONPatch", { apiVersion: "try.io/v1", kind: "JSONPatch" }],
])("%s is a kind", (token, kind) => {
  expect(kindOfToken(token)).toEqual(kind);
});

test.each([
  ["kubernetes:core/v1:ServicePatch", /own the whole object with Service/],
  ["kubernetes:apps/v1:DeploymentList", /declare each object with Deployment/i],
  ["kubernetes:helm.sh/v4:Chart", /declare its objects one by one/],
  ["kubernetes:yaml/v2:ConfigGroup", /declare its objects one by one/],
  ["kubernetes:nonsense:Thing", /expected kubernetes:<group>\/<version>:<Kind>/],
])("%s is refused with a way out", (token, message) => {
  expect(() => kindOfToken(token)).toThrow(message);
  expect(() => kindOfToken(token)).toThrow(token);
});

test("normal form: canonical quantities, no nulls, no read-only metadata", () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", uid: "1", resourceVersion: "2" },
    spec: { x: null, limits: { cpu: "1000m", memory: unknown } },
  };
  expect(normalize(pod)).toEqual({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { limits: { cpu: "1", memory: unknown } },
  });
});

test("normal form of a Secret holds data only", () => {
  const object = {
    apiVersion: "v1",
    kind: "Secret",
    stringData: { a: "x", b: unknown },
    data: { a: "b2xk", c: "Y2Nj\n" },
  };
  expect(normalize(object)).toEqual({ apiVersion: "v1", kind: "Secret", data: { a: "eA==", b: unknown, c: "Y2Nj" } });
});

test("a custom object is left as it is", () => {
  const object = { apiVersion: "try.io/v1", kind: "Widget", spec: { x: null, limits: { cpu: "1000m" } } };
  expect(normalize(object)).toEqual(object);
});

test("differences name the deepest path", () => {
  const olds = { spec: { containers: [{ name: "a", image: "x:1" }], old: 1 }, metadata: { labels: { "a.b/c": "1" } } };
  const news = {
    spec: { containers: [{ name: "a", image: "x:2" }, { name: "b" }], fresh: { deep: true } },
    metadata: { labels: { "a.b/c": "2" } },
  };
  expect(Object.fromEntries(differences(olds, news).map(({ path, kind }) => [formatPath(path), kind]))).toEqual({
    "spec.containers[0].image": "update",
    "spec.containers[1]": "add",
    "spec.old": "delete",
    "spec.fresh": "add",
    'metadata.labels["a.b/c"]': "update",
  });
  expect(
    withoutIgnored(differences(olds, news), [
      parsePath("spec.containers[*].image"),
      parsePath('metadata.labels["a.b/c"]'),
    ]),
  ).toHaveLength(3);
});

test.each([
  ["apps/v1", "Deployment", "spec.selector.matchLabels.app", true],
  ["apps/v1", "Deployment", "spec.replicas", false],
  ["v1", "Service", "spec.clusterIP", true],
  ["v1", "ConfigMap", "data.key", true],
  ["v1", "Secret", "data.key", true],
  ["v1", "Pod", "spec.containers[1].image", true],
  ["batch/v1", "Job", "spec.template.spec.containers[0].image", true],
  ["try.io/v1", "Widget", "metadata.namespace", true],
  ["try.io/v1", "Widget", "spec.selector", false],
])("%s %s %s replaces: %s", (apiVersion, kind, path, replaces) => {
  expect(touches(parsePath(path), 1, forceNewPaths({ apiVersion, kind }, mutability))).toBe(replaces);
});

test("a map that comes with an immutable field in it replaces; mutable ConfigMaps do not", () => {
  expect(
    touches(["spec"], { selector: {} }, forceNewPaths({ apiVersion: "apps/v1", kind: "Deployment" }, mutability)),
  ).toBe(true);
  const config = { apiVersion: "v1", kind: "ConfigMap" };
  expect(touches(["data"], {}, forceNewPaths(config, { configMaps: true, secrets: false }))).toBe(false);
  expect(
    touches(["data"], {}, forceNewPaths({ ...config, immutable: true }, { configMaps: true, secrets: false })),
  ).toBe(true);
});

test("drift shows in the inputs; defaults and other spellings do not", () => {
  const inputs = {
    spec: { replicas: 2, cpu: "0.50", hostNetwork: false, list: [{ image: "a:1" }] },
    labels: { a: "1", b: "2" },
  };
  const recorded = {
    spec: { replicas: 2, cpu: "500m", strategy: "Rolling", list: [{ image: "a:1", pull: "Always" }] },
    labels: { a: "1", b: "2" },
  };
  const live = {
    spec: { replicas: 5, cpu: "500m", strategy: "Recreate", list: [{ image: "a:9", pull: "Always" }] },
    labels: { a: "1", hand: "made" },
  };
  expect(liveInputs(inputs, recorded, live)).toEqual({
    spec: { replicas: 5, cpu: "0.50", hostNetwork: false, list: [{ image: "a:9" }] },
    labels: { a: "1" },
  });
  expect(liveInputs(inputs, recorded, recorded)).toEqual(inputs);
});

test("imported inputs leave out what only the server sets", () => {
  const live = {
    kind: "X",
    metadata: {
      name: "n",
      uid: "1",
      managedFields: [],
      annotations: { "deployment.kubernetes.io/revision": "3", mine: "1" },
    },
    spec: { a: 1 },
    status: {},
  };
  expect(importedInputs(live)).toEqual({
    kind: "X",
    metadata: { name: "n", annotations: { mine: "1" } },
    spec: { a: 1 },
  });
});

test("secret inputs stay secret in outputs, a Secret's data always", () => {
  const marked = {
    spec: { containers: [{ name: "c", env: [{ name: "P", value: secret("s3cret") }] }], args: [secret("x"), "y"] },
  };
  const live = {
    spec: { containers: [{ name: "c", image: "a", env: [{ name: "P", value: "s3cret" }] }], args: ["y", "x"] },
  };
  const outputs = withSecrets(live, marked);
  expect(outputs).toEqual({
    spec: {
      containers: [{ name: "c", image: "a", env: [{ name: "P", value: secret("s3cret") }] }],
      args: secret(["y", "x"]),
    },
  });
  const moved = { spec: { containers: [{ name: "other" }, { name: "c" }] } };
  expect(isSecret((withSecrets(moved, marked)["spec"] as PropertyMap)["containers"])).toBe(true);
  expect(isSecret(withSecrets({ kind: "Secret", data: { a: "eA==" } }, {})["data"])).toBe(true);
});

test("a checkpoint can be read back, schema keywords included", () => {
  const live = { apiVersion: "v1", kind: "X", schema: { "x-kubernetes-int-or-string": true } };
  const outputs = writeCheckpoint({ live, inputs: { kind: "X" }, initialApiVersion: "v1", fieldManager: "m" }, {});
  expect(outputs).toMatchObject({
    schema: { x_kubernetes_int_or_string: true },
    __inputs: { kind: "X" },
    __initialApiVersion: "v1",
    __fieldManager: "m",
  });
  expect(readCheckpoint(outputs)).toEqual({ live, inputs: { kind: "X" }, initialApiVersion: "v1", fieldManager: "m" });
});

const managed = {
  kind: "Deployment",
  metadata: {
    name: "web",
    managedFields: [
      {
        manager: "pulumi-kubernetes",
        operation: "Update",
        fieldsV1: { "f:spec": { "f:replicas": {}, "f:paused": {} } },
      },
      { manager: "kubectl", operation: "Update", fieldsV1: { "f:spec": { "f:image": {} } } },
      { manager: "hpa", operation: "Update", fieldsV1: { "f:spec": { "f:replicas": {} } } },
      { manager: "controller", operation: "Update", subresource: "status", fieldsV1: {} },
    ],
  },
  spec: { replicas: 7, paused: true },
};

test("an update takes over what the create wrote, and leaves other managers alone", () => {
  const entries = withTakeover(managed, "mine");
  expect(entries?.map(({ manager, operation }) => [manager, operation])).toEqual([
    ["hpa", "Update"],
    ["controller", "Update"],
    ["mine", "Apply"],
  ]);
  expect(entries?.at(-1)?.["fieldsV1"]).toEqual({ "f:spec": { "f:replicas": {}, "f:paused": {}, "f:image": {} } });
  expect(withTakeover({ metadata: { managedFields: entries ?? [] } }, "mine")).toBeUndefined();
});

test("ignored fields: another owner's are left out, own ones keep the live value", () => {
  const owned = { ...managed, metadata: { managedFields: withTakeover(managed, "mine") ?? [] } };
  expect(ownership(owned, ["spec", "replicas"], "mine")).toEqual({ own: true, others: true });
  const inputs = { spec: { replicas: 1, paused: false } };
  expect(withIgnoredFields(inputs, owned, ["spec.paused"], "mine")).toEqual({ spec: { replicas: 1, paused: true } });
  expect(withIgnoredFields(inputs, managed, ["spec.replicas"], "mine")).toEqual({ spec: { paused: false } });
});

test("a conflict names fields, managers and the ways out", () => {
  const causes = [
    { reason: "FieldManagerConflict", message: 'conflict with "hpa" using apps/v1', field: ".spec.replicas" },
  ];
  const error = new ApiError("conflict", { status: 409, reason: "Conflict", causes });
  expect(conflictMessage(managed, error)).toMatch(
    /Deployment web.*\.spec\.replicas is managed by "hpa".*ignoreChanges.*patchForce/s,
  );
  expect(isTakeoverConflict(error)).toBe(false);
  const mild = new ApiError("conflict", {
    status: 409,
    reason: "Conflict",
    causes: [{ ...causes[0]!, message: 'conflict with "kubectl" using v1' }],
  });
  expect(isTakeoverConflict(mild)).toBe(true);
});

test("no secret shows in an error", async () => {
  const inputs = { data: secret({ password: Buffer.from("hunter2").toString("base64") }) };
  const failing = withoutSecrets([inputs], () => Promise.reject(new Error('data.password: Invalid value: "hunter2"')));
  await expect(failing).rejects.toThrow('data.password: Invalid value: "[secret]"');
});

test.each([
  [".status.health.status", ["Healthy"]],
  ["$.status.health['status']", ["Healthy"]],
  ['.status.conditions[?(@.type=="Ready")].status', ["True"]],
  [".status.conditions[*].type", ["Old", "Ready"]],
  [".status.conditions[-1].type", ["Ready"]],
  ['.metadata.annotations["a.b"]', ["c"]],
  [".status.nothing", []],
])("JSONPath %s", (path, values) => {
  const root = {
    metadata: { annotations: { "a.b": "c" } },
    status: {
      health: { status: "Healthy" },
      conditions: [
        { type: "Old", status: "False" },
        { type: "Ready", status: "True" },
      ],
    },
  };
  expect(selectPath(path, root)).toEqual(values);
});

test("a JSONPath that says more than the offline provider understands is refused", () => {
  expect(() => selectPath("..status", {})).toThrow(/not understood/);
});
