import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import type { Patch } from "../../../../components/service/patches.ts";
import { completeService, ownKinds, serviceObjects } from "../../../../components/manifests/service-objects.ts";
import type { Service } from "../../../../components/service/service.ts";
import { problemLine } from "../../../../core/problem.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { violations, type Pod } from "../../../support/pod-security.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

const repository = "docker.io/acme/shop-link";
const serviceMonitor: KubernetesObject = {
  apiVersion: "monitoring.coreos.com/v1",
  kind: "ServiceMonitor",
  metadata: { name: "link", labels: { release: "prometheus" } },
  spec: { selector: { matchLabels: { "app.kubernetes.io/name": "link" } }, endpoints: [{ port: "http" }] },
};

function patchedService(patches: readonly Patch[], settings: Partial<Service> = {}): Service {
  const allPatches = patches.map((patch, index) => ({ ...patch, location: `file: patches.${index}`, shared: false }));
  return sampleService("link", { ...settings, allPatches });
}

function complete(patches: readonly Patch[], settings: Partial<Service> = {}) {
  const service = patchedService(patches, settings);
  const completed = completeService(sampleContext([service]), service, { image: repository }, repository);
  const { objects } = completed;
  const problems = [...completed.problems, ...completed.unmatched];
  const { spec } = objects.manifests.deployment as unknown as { spec: { template: Pod } };
  return { ...objects, problems: problems.map(problemLine), pod: spec.template };
}

const ofPods = (spec: object, metadata: object = {}): Patch => ({
  kind: "Deployment",
  patch: { spec: { template: { metadata, spec } } },
});

describe("a patch", () => {
  test.each<[what: string, patch: Patch, expected: object]>([
    [
      "adds an annotation to the pods",
      ofPods({}, { annotations: { "prometheus.io/scrape": "true" } }),
      { deployment: { spec: { template: { metadata: { annotations: { "prometheus.io/scrape": "true" } } } } } },
    ],
    [
      "adds a label to the Service",
      { kind: "Service", patch: { metadata: { labels: { team: "news" } } } },
      { service: { metadata: { name: "link", labels: { team: "news", "app.kubernetes.io/name": "link" } } } },
    ],
    [
      "chooses nodes",
      ofPods({ nodeSelector: { disk: "ssd" }, tolerations: [{ key: "gpu", operator: "Exists" }] }),
      {
        deployment: {
          spec: {
            template: { spec: { nodeSelector: { disk: "ssd" }, tolerations: [{ key: "gpu", operator: "Exists" }] } },
          },
        },
      },
    ],
    [
      "is a list of operations, too",
      {
        kind: "Deployment",
        patch: [
          { op: "test", path: "/spec/strategy/type", value: "RollingUpdate" },
          { op: "replace", path: "/spec/strategy/rollingUpdate/maxSurge", value: "50%" },
          { op: "remove", path: "/spec/progressDeadlineSeconds" },
        ],
      },
      { deployment: { spec: { strategy: { rollingUpdate: { maxSurge: "50%", maxUnavailable: 0 } } } } },
    ],
    [
      "of an object by its name",
      { kind: "ConfigMap", name: "link", patch: { metadata: { annotations: { a: "b" } } } },
      { configMap: { metadata: { annotations: { a: "b" } } } },
    ],
  ])("%s", (_what, patch, expected) => {
    const { manifests, problems } = complete([patch]);
    expect(problems).toEqual([]);
    expect(manifests).toMatchObject(expected);
  });

  test("changes nothing else", () => {
    const service = sampleService("link");
    const plain = serviceObjects(sampleContext([service]), service, { image: repository });
    const { manifests } = complete([{ kind: "Service", patch: { metadata: { labels: { team: "news" } } } }]);
    expect({ ...manifests, service: undefined }).toEqual({ ...plain.manifests, service: undefined });
  });

  test("is made after those before it", () => {
    const label = (team: string): Patch => ({ kind: "Service", patch: { metadata: { labels: { team } } } });
    expect(complete([label("news"), label("link")]).manifests.service?.metadata).toMatchObject({
      labels: { team: "link" },
    });
  });
});

describe("a container that a patch adds", () => {
  const sidecar = { name: "proxy", image: "envoyproxy/envoy:v1.31.0" };
  test("comes after the service's own, and has no more rights than that", () => {
    const { pod, problems } = complete([ofPods({ containers: [sidecar] })]);
    expect(problems).toEqual([]);
    expect(pod.spec.containers.map(({ name }) => name)).toEqual(["link", "proxy"]);
    expect(violations(pod)).toEqual([]);
  });
  test("has the rights that it is given", () => {
    const securityContext = { allowPrivilegeEscalation: true };
    const { pod } = complete([ofPods({ containers: [{ ...sidecar, securityContext }] })]);
    expect(violations(pod)).toEqual(["privilege escalation"]);
  });
  test("runs the service's own image where it names none", () => {
    const { pod, problems } = complete([
      ofPods({ initContainers: [{ name: "migrate", command: ["/app", "migrate"] }] }),
    ]);
    expect(problems).toEqual([]);
    expect(pod.spec.initContainers).toMatchObject([
      { name: "migrate", image: repository, command: ["/app", "migrate"] },
    ]);
  });
});

test("what only the engine knows stays what it is", () => {
  const service = patchedService([ofPods({ initContainers: [{ name: "migrate" }] }, { annotations: { a: "b" } })]);
  const [image, secretsGeneration] = [pulumi.output("image"), pulumi.output("2")];
  const { manifests } = serviceObjects(sampleContext([service]), service, { image, secretsGeneration });
  const { metadata, spec } = (manifests.deployment as unknown as { spec: { template: Required<Pod> } }).spec.template;
  const containers = spec.containers as unknown as { image: unknown }[];
  const initContainers = spec.initContainers as unknown as { image: unknown }[];
  expect(containers[0]?.image).toBe(image);
  expect(initContainers[0]?.image).toBe(image);
  expect(metadata.annotations?.["delivery/secrets-generation"]).toBe(secretsGeneration);
});

describe("what a service brings along", () => {
  const settings = { ownObjects: [{ file: "k8s/monitor.yaml", object: serviceMonitor }] };
  test("is in the environment's namespace, with its labels", () =>
    expect(complete([], settings).own).toMatchObject([
      {
        kind: "ServiceMonitor",
        metadata: {
          name: "link",
          namespace: "shop-dev",
          labels: {
            release: "prometheus",
            "app.kubernetes.io/part-of": "shop",
            "app.kubernetes.io/managed-by": "delivery",
          },
        },
      },
    ]));
  test("is in that of a pull request there, whatever namespace it names", () => {
    const object = { ...serviceMonitor, metadata: { name: "link", namespace: "shop-dev" } };
    const service = sampleService("link", { ownObjects: [{ file: "k8s/monitor.yaml", object }] });
    const environment = { app: "shop", name: "pr-7", namespace: "shop-pr-7" };
    const { own } = serviceObjects(sampleContext([service], { environment }), service, { image: repository });
    expect(own).toMatchObject([{ metadata: { namespace: "shop-pr-7" } }]);
  });
  test("is patched like the rest: each environment may have its own", () => {
    const patch = { kind: "ServiceMonitor", patch: { spec: { endpoints: [{ port: "http", interval: "5s" }] } } };
    const { own, problems } = complete([patch], settings);
    expect(problems).toEqual([]);
    expect(own).toMatchObject([{ spec: { endpoints: [{ port: "http", interval: "5s" }] } }]);
  });
  test("has pods that a selector of the service does not take, and that are allowed to run", () => {
    const spec = { containers: [{ name: "debug", image: "busybox:1" }] };
    const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "debug" }, spec };
    const { own } = complete([], { ownObjects: [{ file: "k8s/pod.yaml", object }] });
    const pod = own[0] as unknown as Pod & { metadata: { labels: Record<string, string> } };
    expect(pod.metadata.labels["app.kubernetes.io/name"]).toBeUndefined();
    expect(violations(pod)).toEqual([]);
  });
  test("is of kinds that Argo CD is to allow", () =>
    expect(ownKinds([sampleService("link", settings), sampleService("user", settings)], false)).toEqual([
      { group: "monitoring.coreos.com", kind: "ServiceMonitor" },
    ]));
  test("is not alone where there is Argo Rollouts, whose last object could not be removed otherwise", () =>
    expect(ownKinds([sampleService("link")], true)).toEqual([
      { group: "argoproj.io", kind: "AnalysisTemplate" },
      { group: "argoproj.io", kind: "Rollout" },
    ]));
});

describe("refused", () => {
  const main = (container: object): Patch => ofPods({ containers: [{ name: "link", ...container }] });
  const operation = (path: string, value: unknown): Patch => ({
    kind: "Deployment",
    patch: [{ op: "replace", path, value: value ?? null }],
  });
  test.each<[what: string, patch: Patch, message: string]>([
    [
      "another image",
      main({ image: "acme/other:1" }),
      "image of container link must stay: the release record says by digest which one runs",
    ],
    [
      "another image by an operation",
      operation("/spec/template/spec/containers/0/image", "x"),
      "image of container link must stay",
    ],
    ["no container of its own", main({ $patch: "delete" }), "container link must stay: other parts rely on it"],
    ["another container name", operation("/spec/template/spec/containers/0/name", "x"), "container link must stay"],
    [
      "its own image by name",
      ofPods({ containers: [{ name: "copy", image: "acme/shop-link:1" }] }),
      "container copy has the service's own image; leave `image` out",
    ],
    [
      "another selector",
      { kind: "Deployment", patch: { spec: { selector: { matchLabels: { a: "b" } } } } },
      "spec.selector must stay",
    ],
    [
      "other labels of pods",
      ofPods({}, { labels: { "app.kubernetes.io/name": "x" } }),
      'labels of the pods: app.kubernetes.io/name must stay "link"',
    ],
    [
      "other labels",
      { kind: "Service", patch: { metadata: { labels: null } } },
      'metadata.labels: app.kubernetes.io/part-of must stay "shop"',
    ],
    ["another name", { kind: "Service", patch: { metadata: { name: "x" } } }, 'metadata.name must stay "link"'],
    [
      "another namespace",
      { kind: "Service", patch: { metadata: { namespace: "x" } } },
      'metadata.namespace must stay "shop-dev"',
    ],
    ["another kind", { kind: "Service", patch: { kind: "Secret" } }, 'kind must stay "Service"'],
    [
      "another port of the Service",
      { kind: "Service", patch: [{ op: "replace", path: "/spec/ports/0/port", value: 80 }] },
      "port 7070 must stay as it is: peers call it there",
    ],
    [
      "the selector of the policy",
      { kind: "NetworkPolicy", patch: { spec: { podSelector: null } } },
      "spec.podSelector must stay",
    ],
    [
      "replicas",
      { kind: "Deployment", patch: { spec: { replicas: 3 } } },
      "spec.replicas must stay 1: `replicas` and `autoscaling` of the service say it",
    ],
    [
      "the mark of changed settings",
      ofPods({}, { annotations: { "delivery/config-checksum": "x" } }),
      "annotation delivery/config-checksum of the pods must stay",
    ],
    [
      "an object that is not there",
      { kind: "Ingress", patch: {} },
      "link has no Ingress; it has ConfigMap, Deployment, NetworkPolicy, PodDisruptionBudget, Service, ServiceAccount",
    ],
    ["an object of another name", { kind: "Service", name: "user", patch: {} }, "link has no Service user; it has"],
    [
      "an object taken away",
      { kind: "Service", patch: { $patch: "delete" } },
      "$patch: must be merge, or not be there",
    ],
    [
      "an operation that leads nowhere",
      operation("/spec/nothing", 1),
      "operation 1 (replace /spec/nothing): there is nothing at that path",
    ],
    [
      "an unknown field",
      ofPods({ nodeSelectors: { a: "b" } }),
      "spec.template.spec.nodeSelectors: unknown field; did you mean nodeSelector?",
    ],
    [
      "a wrong amount",
      main({ resources: { limits: { memory: "512MB" } } }),
      'spec.template.spec.containers.0.resources.limits.memory: "512MB": is no quantity',
    ],
    ["a wrong type", ofPods({ hostNetwork: "no" }), 'spec.template.spec.hostNetwork: "no": must be true or false'],
    [
      "a state",
      { kind: "Deployment", patch: { status: { replicas: 1 } } },
      "status must stay absent: the cluster writes it",
    ],
    [
      "variables that pods would not see",
      { kind: "ConfigMap", patch: { data: { A: "b" } } },
      "data must stay {}: pods would go on with the former content; say it by `env` or `files`",
    ],
    [
      "a mount of no volume",
      main({ volumeMounts: [{ name: "data", mountPath: "/data" }] }),
      "container link mounts data, and the pods have no such volume; add it to `volumes`",
    ],
    [
      "two mounts at one path",
      {
        kind: "Deployment",
        patch: [
          {
            op: "add",
            path: "/spec/template/spec/containers/0/volumeMounts/-",
            value: { name: "x", mountPath: "/tmp" },
          },
        ],
      },
      "container link mounts two volumes at /tmp",
    ],
    [
      "a container's name in capitals",
      ofPods({ containers: [{ name: "Proxy", image: "p" }] }),
      `container "Proxy": its name`,
    ],
    ["an empty image", ofPods({ containers: [{ name: "p", image: "" }] }), "container p has an empty image; name one"],
    [
      "a container's name twice",
      ofPods({ initContainers: [{ name: "link", image: "p" }] }),
      "two containers of the pods are called link; rename one of them",
    ],
    [
      "a probe at a port that is not there",
      main({ livenessProbe: { httpGet: { path: "/", port: "admin" }, tcpSocket: null } }),
      "livenessProbe of container link asks at admin, and it has no such port",
    ],
    [
      "a text where a list belongs",
      main({ command: "sleep 1" }),
      'spec.template.spec.containers.0.command: "sleep 1": must be a list',
    ],
    [
      "a part that is not whole",
      ofPods({ containers: [{ name: "p", image: "p", ports: [{ name: "x", containerPort: null }] }] }),
      "containerPort",
    ],
  ])("%s", (_what, patch, message) => {
    const { problems } = complete([patch]);
    expect(problems.join("\n")).toContain(message);
    expect(problems.join("\n")).toMatch(/^file: patches\.0: /);
  });

  test("once, and not again by the patches after it", () => {
    const after: Patch = ofPods({ nodeSelector: { disk: "ssd" } });
    expect(complete([{ kind: "Deployment", patch: { metadata: { labels: null } } }, after]).problems).toEqual(
      Array.from({ length: 4 }, () => expect.stringMatching(/^file: patches\.0: /)),
    );
  });
});
