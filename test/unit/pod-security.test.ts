import { describe, expect, test } from "vitest";
import { declareStack, objectsOfKind, stacks } from "../declared-stack.ts";

/** The fields that the profile speaks of. */
interface SecurityContext {
  privileged?: boolean; allowPrivilegeEscalation?: boolean; runAsNonRoot?: boolean; runAsUser?: number; procMount?: string;
  capabilities?: { add?: string[]; drop?: string[] };
  seccompProfile?: { type?: string }; appArmorProfile?: { type?: string };
  seLinuxOptions?: { type?: string; user?: string; role?: string };
  windowsOptions?: { hostProcess?: boolean };
  sysctls?: { name: string }[];
}
interface Handler { httpGet?: { host?: string }; tcpSocket?: { host?: string } }
interface Container {
  name: string; securityContext?: SecurityContext; ports?: { hostPort?: number }[];
  livenessProbe?: Handler; readinessProbe?: Handler; startupProbe?: Handler; lifecycle?: { postStart?: Handler; preStop?: Handler };
}
interface Pod {
  metadata?: { annotations?: Record<string, string> };
  spec: { hostNetwork?: boolean; hostPID?: boolean; hostIPC?: boolean; securityContext?: SecurityContext; volumes?: Record<string, unknown>[]; containers: Container[]; initContainers?: Container[]; ephemeralContainers?: Container[] };
}

const volumeTypes = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
const safeSysctls = ["kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"];
const seLinuxTypes = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/** What the `restricted` profile, and `baseline` in it, forbids a pod. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
function violations({ metadata, spec }: Pod): string[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  const contexts = [spec.securityContext ?? {}, ...containers.map(({ securityContext }) => securityContext ?? {})];
  const all = (allowed: (container: Container) => boolean): boolean => containers.every(allowed);
  const rules: Record<string, boolean> = {
    "host processes": contexts.every(({ windowsOptions }) => windowsOptions?.hostProcess !== true),
    "host namespaces": [spec.hostNetwork, spec.hostPID, spec.hostIPC].every((value) => value !== true),
    "privileged containers": contexts.every(({ privileged }) => privileged !== true),
    "host ports": all(({ ports = [] }) => ports.every(({ hostPort = 0 }) => hostPort === 0)),
    "hosts in probes and hooks": all((container) =>
      [container.livenessProbe, container.readinessProbe, container.startupProbe, container.lifecycle?.postStart, container.lifecycle?.preStop].every((handler) => !handler?.httpGet?.host && !handler?.tcpSocket?.host),
    ),
    "AppArmor": contexts.every(({ appArmorProfile }) => [undefined, "RuntimeDefault", "Localhost"].includes(appArmorProfile?.type)),
    "AppArmor annotations": Object.entries(metadata?.annotations ?? {}).every(([key, value]) => !key.startsWith("container.apparmor.security.beta.kubernetes.io/") || /^(runtime\/default|localhost\/.*|)$/.test(value)),
    "SELinux": contexts.every(({ seLinuxOptions: { type = "", user, role } = {} }) => seLinuxTypes.includes(type) && !user && !role),
    "proc mount": contexts.every(({ procMount = "Default" }) => procMount === "Default"),
    "sysctls": (spec.securityContext?.sysctls ?? []).every(({ name }) => safeSysctls.includes(name)),
    "volume types": (spec.volumes ?? []).every((volume) => Object.keys(volume).filter((key) => key !== "name").every((key) => volumeTypes.includes(key))),
    "privilege escalation": all(({ securityContext }) => securityContext?.allowPrivilegeEscalation === false),
    "running as non-root": all(({ securityContext }) => (securityContext?.runAsNonRoot ?? spec.securityContext?.runAsNonRoot) === true),
    "root as user": contexts.every(({ runAsUser }) => runAsUser !== 0),
    "seccomp": all(({ securityContext }) => ["RuntimeDefault", "Localhost"].includes((securityContext?.seccompProfile ?? spec.securityContext?.seccompProfile)?.type ?? "")) && contexts[0]?.seccompProfile?.type !== "Unconfined",
    "capabilities": all(({ securityContext }) => securityContext?.capabilities?.drop?.includes("ALL") === true && (securityContext.capabilities.add ?? []).every((name) => name === "NET_BIND_SERVICE")),
  };
  return Object.keys(rules).filter((rule) => !rules[rule]);
}

type KubernetesObject = { metadata: { name: string; namespace: string; labels: Record<string, string> }; spec: { template: Pod } };

describe.each(stacks)("the %s stack", async (stack) => {
  const resources = await declareStack(stack);
  const deployments = objectsOfKind<KubernetesObject>(resources, "Deployment");

  test("has only pods that the `restricted` profile takes", () => {
    expect(deployments.length).toBeGreaterThanOrEqual(5);
    expect(Object.fromEntries(deployments.map(({ metadata, spec }) => [metadata.name, violations(spec.template)]))).toEqual(Object.fromEntries(deployments.map(({ metadata }) => [metadata.name, []])));
  });

  test("has them all in a namespace that enforces it", () => {
    const [namespace, ...others] = objectsOfKind<KubernetesObject>(resources, "Namespace");
    expect(others).toEqual([]);
    expect(namespace?.metadata.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "restricted" });
    for (const { metadata } of deployments) expect(metadata.namespace).toBe(namespace?.metadata.name);
  });
});

describe("the checker finds", () => {
  type Change = { spec?: Partial<Pod["spec"]>; pod?: SecurityContext; container?: Partial<Container>; context?: SecurityContext; annotations?: Record<string, string> };
  const changed = ({ spec, pod, container, context, annotations = {} }: Change): Pod => ({
    metadata: { annotations },
    spec: {
      securityContext: { runAsNonRoot: true, runAsUser: 1, seccompProfile: { type: "RuntimeDefault" }, ...pod },
      volumes: [{ name: "tmp", emptyDir: {} }],
      containers: [{ name: "a", securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, ...context }, ...container }],
      ...spec,
    },
  });
  test.each<[Change, string[]]>([
    [{}, []],
    [{ spec: { hostNetwork: true } }, ["host namespaces"]],
    [{ spec: { hostPID: true } }, ["host namespaces"]],
    [{ spec: { volumes: [{ name: "root", hostPath: { path: "/" } }] } }, ["volume types"]],
    [{ spec: { initContainers: [{ name: "init" }] } }, ["privilege escalation", "capabilities"]],
    [{ pod: { runAsNonRoot: false } }, ["running as non-root"]],
    [{ pod: { runAsUser: 0 } }, ["root as user"]],
    [{ pod: { seccompProfile: { type: "Unconfined" } } }, ["seccomp"]],
    [{ pod: { seccompProfile: {} } }, ["seccomp"]],
    [{ pod: { sysctls: [{ name: "kernel.msgmax" }] } }, ["sysctls"]],
    [{ pod: { windowsOptions: { hostProcess: true } } }, ["host processes"]],
    [{ container: { ports: [{ hostPort: 80 }] } }, ["host ports"]],
    [{ container: { livenessProbe: { httpGet: { host: "10.0.0.1" } } } }, ["hosts in probes and hooks"]],
    [{ context: { privileged: true } }, ["privileged containers"]],
    [{ context: { allowPrivilegeEscalation: true } }, ["privilege escalation"]],
    [{ context: { runAsNonRoot: false } }, ["running as non-root"]],
    [{ context: { runAsUser: 0 } }, ["root as user"]],
    [{ context: { capabilities: { drop: ["NET_RAW"] } } }, ["capabilities"]],
    [{ context: { capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } } }, ["capabilities"]],
    [{ context: { capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } } }, []],
    [{ context: { seccompProfile: { type: "Unconfined" } } }, ["seccomp"]],
    [{ context: { seLinuxOptions: { type: "spc_t" } } }, ["SELinux"]],
    [{ context: { procMount: "Unmasked" } }, ["proc mount"]],
    [{ context: { appArmorProfile: { type: "Unconfined" } } }, ["AppArmor"]],
    [{ annotations: { "container.apparmor.security.beta.kubernetes.io/a": "unconfined" } }, ["AppArmor annotations"]],
  ])("in %j: %j", (change, found) => expect(violations(changed(change))).toEqual(found));
});
