import type { types } from "@pulumi/kubernetes";
import type { Unwrap } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { deployment } from "../../../../components/manifests/deployment.ts";
import type { PodTemplateArgs } from "../../../../components/manifests/pod-template.ts";
import type { Service } from "../../../../components/service/service.ts";
import { environment, sampleService } from "../../../support/sample-shop.ts";

const image = `docker.io/acme/shop-link@sha256:${"a".repeat(64)}`;
type Manifest = Unwrap<types.input.apps.v1.Deployment>;

function declared(
  settings: Partial<Service> = {},
  variables: Record<string, string> = {},
  secrets: Partial<PodTemplateArgs> = {},
) {
  const args = { image, variables, hasSecrets: false, ...secrets };
  // Every value that goes in is plain, so every one that comes out is.
  const { spec } = deployment(environment, sampleService("link", settings), args) as Manifest;
  const [container, ...others] = spec?.template.spec?.containers ?? [];
  if (spec === undefined || container === undefined || others.length > 0) throw new Error("not one container");
  return { spec, container, annotations: spec.template.metadata?.annotations ?? {} };
}

describe("replicas", () => {
  test.each<[settings: Partial<Service>, replicas: number]>([
    [{}, 1],
    [{ replicas: 3 }, 3],
    [{ replicas: 0 }, 0],
    // Until the autoscaler says otherwise: never none, which would switch it off, and never less than its minimum.
    [{ autoscaling: { min: 2, max: 5 } }, 2],
    [{ replicas: 3, autoscaling: { min: 2, max: 5 } }, 3],
    [{ replicas: 1, autoscaling: { min: 2, max: 5 } }, 2],
    [{ replicas: 0, autoscaling: { min: 2, max: 5 } }, 2],
    [{ replicas: 9, autoscaling: { min: 2, max: 5 } }, 5],
  ])("of %j are %i", (settings, replicas) => expect(declared(settings).spec.replicas).toBe(replicas));
});

describe("the config checksum", () => {
  const checksum = (variables: Record<string, string>): unknown =>
    declared({}, variables).annotations["delivery/config-checksum"];
  const before = checksum({ A: "1", B: "2" });
  test("stays where nothing changes but the order", () => expect(checksum({ B: "2", A: "1" })).toBe(before));
  test("stays where another setting changes", () =>
    expect(declared({ replicas: 7 }, { A: "1", B: "2" }).annotations["delivery/config-checksum"]).toBe(before));
  test.each<[change: string, variables: Record<string, string>]>([
    ["a value", { A: "1", B: "3" }],
    ["a name", { A: "1", C: "2" }],
    ["one more", { A: "1", B: "2", C: "" }],
    ["one less", { A: "1" }],
    ["swapped values", { A: "2", B: "1" }],
    ["a value that reads like two variables", { A: "1,B,2" }],
    ["a value that reads like two in JSON", { A: '1"],["B","2' }],
  ])("changes with %s", (_change, variables) => expect(checksum(variables)).not.toBe(before));
});

describe("secrets", () => {
  test("are mounted, and their generation restarts the pods", () => {
    const { container, annotations } = declared({}, {}, { hasSecrets: true, secretsGeneration: "17" });
    expect(annotations["delivery/secrets-generation"]).toBe("17");
    // Where a variable is in both, Kubernetes takes the last source: the secret.
    expect(container.envFrom).toEqual([{ configMapRef: { name: "link" } }, { secretRef: { name: "link-secrets" } }]);
  });
  test("are mounted too where they have never changed", () => {
    const { container, annotations } = declared({}, {}, { hasSecrets: true });
    expect(Object.keys(annotations)).toEqual(["delivery/config-checksum"]);
    expect(container.envFrom).toContainEqual({ secretRef: { name: "link-secrets" } });
  });
  test("are not referred to where there are none: the pod would not start", () => {
    const { container, annotations } = declared();
    expect(Object.keys(annotations)).toEqual(["delivery/config-checksum"]);
    expect(container.envFrom).toEqual([{ configMapRef: { name: "link" } }]);
  });
});

describe("probes", () => {
  test.each<[settings: Partial<Service>, liveness: object, readiness: object]>([
    [{}, { tcpSocket: { port: "http" } }, { tcpSocket: { port: "http" } }],
    [
      { probes: { liveness: "/healthz", readiness: "/readyz" } },
      { httpGet: { path: "/healthz", port: "http" } },
      { httpGet: { path: "/readyz", port: "http" } },
    ],
    [
      { probes: { liveness: "tcp", readiness: "/readyz" } },
      { tcpSocket: { port: "http" } },
      { httpGet: { path: "/readyz", port: "http" } },
    ],
    [
      { probes: { liveness: "/healthz" } },
      { httpGet: { path: "/healthz", port: "http" } },
      { tcpSocket: { port: "http" } },
    ],
  ])("of %j", (settings, liveness, readiness) => {
    const { container } = declared(settings);
    const { periodSeconds: slow, failureThreshold, ...live } = container.livenessProbe ?? {};
    const { periodSeconds: fast, ...ready } = container.readinessProbe ?? {};
    expect([live, ready]).toEqual([liveness, readiness]);
    // A pod must lose its traffic well before it loses its life.
    expect(Number(slow) * Number(failureThreshold)).toBeGreaterThan(Number(fast) * 3);
  });
  test("ask the port that the container listens on", () => {
    expect(declared({ port: 8081 }).container.ports).toEqual([{ name: "http", containerPort: 8081, protocol: "TCP" }]);
  });
});

test("the image runs by the digest it is given", () => expect(declared().container.image).toBe(image));

test("memory is always limited", () => {
  expect(declared().container.resources?.limits).toEqual({ memory: "128Mi" });
  expect(declared({ resources: { limits: { memory: "1Gi" } } }).container.resources?.limits).toEqual({ memory: "1Gi" });
});

test("a service says as which user it runs", () => {
  expect(declared({ user: 1000 }).spec.template.spec?.securityContext).toMatchObject({
    runAsUser: 1000,
    runAsGroup: 1000,
    fsGroup: 1000,
  });
});

test("a rollout never takes away a pod before its successor is ready", () => {
  expect(declared().spec.strategy).toEqual({
    type: "RollingUpdate",
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
  });
});

describe("how the container is started and ended", () => {
  test.each<[settings: Partial<Service>, container: object, pod: object]>([
    [{ command: ["server"], args: ["--port", "1"] }, { command: ["server"], args: ["--port", "1"] }, {}],
    [{ args: [] }, { args: [] }, {}],
    [{ preStop: { sleep: 5 } }, { lifecycle: { preStop: { sleep: { seconds: 5 } } } }, {}],
    [
      { preStop: { exec: ["nginx", "-s", "quit"] } },
      { lifecycle: { preStop: { exec: { command: ["nginx", "-s", "quit"] } } } },
      {},
    ],
    [{ terminationGracePeriodSeconds: 90 }, {}, { terminationGracePeriodSeconds: 90 }],
  ])("with %j", (settings, ofContainer, ofPod) => {
    const { container, spec } = declared(settings);
    expect(container).toMatchObject(ofContainer);
    expect(spec.template.spec).toMatchObject(ofPod);
  });
  test("is the image's own and the API's own business where nothing is set", () => {
    const { container, spec } = declared();
    expect(["command", "args", "lifecycle"].filter((key) => key in container)).toEqual([]);
    expect(spec.template.spec).not.toHaveProperty("terminationGracePeriodSeconds");
  });
});

test("scratch directories are empty ones beside /tmp, which may have another size", () => {
  const { spec, container } = declared({ scratch: [{ path: "/var/cache" }, { path: "/tmp", size: "1Gi" }] });
  const volumes = spec.template.spec?.volumes ?? [];
  expect(volumes.map(({ emptyDir }) => emptyDir)).toEqual([{ sizeLimit: "64Mi" }, { sizeLimit: "1Gi" }]);
  expect(container.volumeMounts?.map(({ name, mountPath }) => [name, mountPath])).toEqual([
    [volumes[0]?.name, "/var/cache"],
    [volumes[1]?.name, "/tmp"],
  ]);
  expect(container.securityContext?.readOnlyRootFilesystem).toBe(true);
});

test("a volume at /tmp is there in place of the empty directory", () => {
  const { container } = declared({ volumes: { tmp: { path: "/tmp", size: "1Gi" } } });
  expect(container.volumeMounts?.filter(({ mountPath }) => mountPath === "/tmp")).toHaveLength(1);
});

test("capabilities are those that a program may take on, which a profile of the namespace has to allow", () => {
  expect(declared({ capabilities: ["CHOWN"] }).container.securityContext).toEqual({
    allowPrivilegeEscalation: true,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"], add: ["CHOWN"] },
  });
  expect(declared({ capabilities: [] }).container.securityContext).toEqual(declared().container.securityContext);
});

test("pods are spread over nodes and zones, in the same words for any number of them", () => {
  const { spec } = declared().spec.template;
  expect(spec?.topologySpreadConstraints).toMatchObject([
    { topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "ScheduleAnyway" },
    { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway" },
  ]);
  for (const settings of [{ replicas: 1 }, { replicas: 2 }, { autoscaling: { min: 1, max: 2 } }])
    expect(declared(settings).spec.template).toEqual(declared().spec.template);
});

test("a rollout waits for what a pod may take to start, and more", () => {
  expect(declared().spec.progressDeadlineSeconds).toBe(180);
  expect(declared({ probes: { startup: { seconds: 600 } } }).spec.progressDeadlineSeconds).toBe(720);
});
