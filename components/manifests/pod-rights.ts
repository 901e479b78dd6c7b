import { isMap, type JsonMap } from "../../kubernetes/json.ts";
import { listAt, mapAt, stringAt } from "../../kubernetes/object.ts";
import { loosest, type PodSecurity } from "./pod-security.ts";

/**
 * A pod whose security settings are those of `restricted` where it says nothing of them. What it says stays, such as
 * `runAsNonRoot: false`.
 */
export function withRestrictedDefaults(spec: JsonMap): JsonMap {
  const pod = mapAt(spec, "securityContext");
  const containers = (key: "containers" | "initContainers") =>
    Array.isArray(spec[key])
      ? { [key]: spec[key].map((item) => (isMap(item) ? withContainerDefaults(item) : item)) }
      : {};
  return {
    ...spec,
    securityContext: withDefaults(pod, { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } }),
    ...containers("initContainers"),
    ...containers("containers"),
  };
}

function withContainerDefaults(container: JsonMap): JsonMap {
  const own = mapAt(container, "securityContext");
  // With all rights, a container has this one, too: Kubernetes refuses the contradiction.
  const escalation = own["privileged"] === true ? {} : { allowPrivilegeEscalation: false };
  const capabilities = withDefaults(mapAt(own, "capabilities"), { drop: ["ALL"] });
  return { ...container, securityContext: { ...withDefaults(own, escalation), capabilities } };
}

/** Keys that are there stay where they are, so that nothing changes where nothing is missing. */
function withDefaults(map: JsonMap, defaults: JsonMap): JsonMap {
  const missing = Object.entries(defaults).filter(([key]) => map[key] === undefined);
  return { ...map, ...Object.fromEntries(missing) };
}

interface Rule {
  /** The profile that forbids it. */
  readonly forbiddenBy: "restricted" | "baseline";
  /** What a pod says that is forbidden, in the words of its fields. */
  readonly find: (spec: JsonMap, containers: readonly JsonMap[]) => readonly string[];
}

const volumesOfRestricted = new Set(
  "configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret".split(" "),
);
const capabilitiesOfBaseline = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(
    " ",
  ),
);
const safeSysctls =
  /^(kernel\.shm_rmid_forced|net\.ipv4\.(ip_local_port_range|ip_unprivileged_port_start|tcp_syncookies|ping_group_range|ip_local_reserved_ports|tcp_keepalive_time|tcp_fin_timeout|tcp_keepalive_intvl|tcp_keepalive_probes|tcp_rmem|tcp_wmem))$/;

/** Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
const rules: readonly Rule[] = [
  {
    forbiddenBy: "baseline",
    find: (spec) => ["hostNetwork", "hostPID", "hostIPC"].filter((key) => spec[key] === true),
  },
  { forbiddenBy: "baseline", find: (_spec, all) => inContext(all, "privileged", (value) => value === true) },
  {
    forbiddenBy: "baseline",
    find: (_spec, all) =>
      of(all, "hostPort", (one) => listAt(one, "ports").some((port) => (port["hostPort"] ?? 0) !== 0)),
  },
  {
    forbiddenBy: "baseline",
    find: (spec) =>
      listAt(spec, "volumes").flatMap((volume) =>
        "hostPath" in volume ? [`hostPath of volume ${stringAt(volume, "name")}`] : [],
      ),
  },
  {
    forbiddenBy: "baseline",
    find: (_spec, all) =>
      of(all, "capabilities.add", (one) => added(one).some((name) => !capabilitiesOfBaseline.has(name))),
  },
  {
    forbiddenBy: "baseline",
    find: (spec, all) =>
      contexts(spec, all).flatMap(([context, owner]) => [
        ...(["Unconfined"].includes(stringAt(context, "seccompProfile", "type") ?? "")
          ? [`seccompProfile${owner}`]
          : []),
        ...(["Unconfined"].includes(stringAt(context, "appArmorProfile", "type") ?? "")
          ? [`appArmorProfile${owner}`]
          : []),
        ...("seLinuxOptions" in context ? [`seLinuxOptions${owner}`] : []),
        ...(mapAt(context, "windowsOptions")["hostProcess"] === true ? [`windowsOptions.hostProcess${owner}`] : []),
        ...((context["procMount"] ?? "Default") === "Default" ? [] : [`procMount${owner}`]),
        ...listAt(context, "sysctls").flatMap((one) =>
          safeSysctls.test(stringAt(one, "name") ?? "") ? [] : [`sysctl ${stringAt(one, "name")}`],
        ),
      ]),
  },
  {
    forbiddenBy: "restricted",
    find: (spec) =>
      listAt(spec, "volumes").flatMap((volume) => {
        const types = Object.keys(volume).filter((key) => key !== "name" && key !== "hostPath");
        return types
          .filter((type) => !volumesOfRestricted.has(type))
          .map((type) => `${type} of volume ${stringAt(volume, "name")}`);
      }),
  },
  {
    forbiddenBy: "restricted",
    find: (_spec, all) => inContext(all, "allowPrivilegeEscalation", (value) => value !== false),
  },
  {
    forbiddenBy: "restricted",
    find: (spec, all) => {
      const ofPod = mapAt(spec, "securityContext")["runAsNonRoot"];
      return inContext(all, "runAsNonRoot", (value) => (value ?? ofPod) !== true);
    },
  },
  {
    forbiddenBy: "restricted",
    find: (spec, all) =>
      contexts(spec, all).flatMap(([context, owner]) => (context["runAsUser"] === 0 ? [`runAsUser 0${owner}`] : [])),
  },
  {
    forbiddenBy: "restricted",
    find: (spec, all) => {
      const ofPod = stringAt(spec, "securityContext", "seccompProfile", "type");
      return of(
        all,
        "seccompProfile",
        (one) => (stringAt(one, "securityContext", "seccompProfile", "type") ?? ofPod) === undefined,
      );
    },
  },
  {
    forbiddenBy: "restricted",
    find: (_spec, all) =>
      of(all, "capabilities", (one) => {
        const { drop } = mapAt(one, "securityContext", "capabilities");
        const dropsAll = Array.isArray(drop) && drop.includes("ALL");
        return !dropsAll || added(one).some((name) => name !== "NET_BIND_SERVICE" && capabilitiesOfBaseline.has(name));
      }),
  },
];

/** What a pod asks for beyond `restricted`, and the strictest profile that lets it run. */
export function looseSettings(spec: JsonMap): {
  readonly level: PodSecurity;
  readonly settings: readonly string[];
} {
  const containers = [...listAt(spec, "initContainers"), ...listAt(spec, "containers")];
  const found = rules.map(({ forbiddenBy, find }) => ({ forbiddenBy, settings: find(spec, containers) }));
  const broken = found.filter(({ settings }) => settings.length > 0);
  return {
    level: loosest(broken.map(({ forbiddenBy }) => (forbiddenBy === "baseline" ? "privileged" : "baseline"))),
    settings: broken.flatMap(({ settings }) => settings),
  };
}

function of(containers: readonly JsonMap[], what: string, breaks: (container: JsonMap) => boolean): string[] {
  return containers.filter(breaks).map((container) => `${what} of ${stringAt(container, "name")}`);
}

function inContext(containers: readonly JsonMap[], key: string, breaks: (value: unknown) => boolean): string[] {
  return of(containers, key, (container) => breaks(mapAt(container, "securityContext")[key]));
}

function contexts(spec: JsonMap, containers: readonly JsonMap[]): (readonly [context: JsonMap, owner: string])[] {
  return [
    [mapAt(spec, "securityContext"), ""],
    ...containers.map((one) => [mapAt(one, "securityContext"), ` of ${stringAt(one, "name")}`] as const),
  ];
}

function added(container: JsonMap): string[] {
  const { add } = mapAt(container, "securityContext", "capabilities");
  return Array.isArray(add) ? add.map(String) : [];
}
