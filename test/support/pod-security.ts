/** The fields that the profile speaks of. */
export interface SecurityContext {
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  runAsNonRoot?: boolean;
  runAsUser?: number;
  procMount?: string;
  capabilities?: { add?: string[]; drop?: string[] };
  seccompProfile?: { type?: string };
  appArmorProfile?: { type?: string };
  seLinuxOptions?: { type?: string; user?: string; role?: string };
  windowsOptions?: { hostProcess?: boolean };
  sysctls?: { name: string }[];
}
interface Handler {
  httpGet?: { host?: string };
  tcpSocket?: { host?: string };
}
export interface Container {
  name: string;
  securityContext?: SecurityContext;
  ports?: { hostPort?: number }[];
  livenessProbe?: Handler;
  readinessProbe?: Handler;
  startupProbe?: Handler;
  lifecycle?: { postStart?: Handler; preStop?: Handler };
}
export interface Pod {
  metadata?: { annotations?: Record<string, string> };
  spec: {
    hostNetwork?: boolean;
    hostPID?: boolean;
    hostIPC?: boolean;
    securityContext?: SecurityContext;
    volumes?: Record<string, unknown>[];
    containers: Container[];
    initContainers?: Container[];
    ephemeralContainers?: Container[];
  };
}

const volumeTypes = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);
const safeSysctls = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
]);
const seLinuxTypes = new Set(["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]);

/** What the `restricted` profile, and `baseline` in it, forbids a pod. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export function violations({ metadata, spec }: Pod): string[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  const contexts = [spec.securityContext ?? {}, ...containers.map(({ securityContext }) => securityContext ?? {})];
  const all = (allowed: (container: Container) => boolean): boolean => containers.every(allowed);
  const rules: Record<string, boolean> = {
    "host processes": contexts.every(({ windowsOptions }) => windowsOptions?.hostProcess !== true),
    "host namespaces": [spec.hostNetwork, spec.hostPID, spec.hostIPC].every((value) => value !== true),
    "privileged containers": contexts.every(({ privileged }) => privileged !== true),
    "host ports": all(({ ports = [] }) => ports.every(({ hostPort = 0 }) => hostPort === 0)),
    "hosts in probes and hooks": all((container) =>
      [
        container.livenessProbe,
        container.readinessProbe,
        container.startupProbe,
        container.lifecycle?.postStart,
        container.lifecycle?.preStop,
      ].every((handler) => !handler?.httpGet?.host && !handler?.tcpSocket?.host),
    ),
    AppArmor: contexts.every(({ appArmorProfile }) =>
      [undefined, "RuntimeDefault", "Localhost"].includes(appArmorProfile?.type),
    ),
    "AppArmor annotations": Object.entries(metadata?.annotations ?? {}).every(
      ([key, value]) =>
        !key.startsWith("container.apparmor.security.beta.kubernetes.io/") ||
        /^(runtime\/default|localhost\/.*|)$/.test(value),
    ),
    SELinux: contexts.every(
      ({ seLinuxOptions: { type = "", user, role } = {} }) => seLinuxTypes.has(type) && !user && !role,
    ),
    "proc mount": contexts.every(({ procMount = "Default" }) => procMount === "Default"),
    sysctls: (spec.securityContext?.sysctls ?? []).every(({ name }) => safeSysctls.has(name)),
    "volume types": (spec.volumes ?? []).every((volume) =>
      Object.keys(volume)
        .filter((key) => key !== "name")
        .every((key) => volumeTypes.has(key)),
    ),
    "privilege escalation": all(({ securityContext }) => securityContext?.allowPrivilegeEscalation === false),
    "running as non-root": all(
      ({ securityContext }) => (securityContext?.runAsNonRoot ?? spec.securityContext?.runAsNonRoot) === true,
    ),
    "root as user": contexts.every(({ runAsUser }) => runAsUser !== 0),
    seccomp:
      all(({ securityContext }) =>
        ["RuntimeDefault", "Localhost"].includes(
          (securityContext?.seccompProfile ?? spec.securityContext?.seccompProfile)?.type ?? "",
        ),
      ) && contexts[0]?.seccompProfile?.type !== "Unconfined",
    capabilities: all(
      ({ securityContext }) =>
        securityContext?.capabilities?.drop?.includes("ALL") === true &&
        (securityContext.capabilities.add ?? []).every((name) => name === "NET_BIND_SERVICE"),
    ),
  };
  return Object.keys(rules).filter((rule) => !rules[rule]);
}
