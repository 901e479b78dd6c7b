import { describe, expect, test } from "vitest";
import { declareStack, objectsOfKind, stacks } from "../../support/declared-stack.ts";
import { violations, type Container, type Pod, type SecurityContext } from "../../support/pod-security.ts";

type KubernetesObject = {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: { template: Pod };
};

describe.each(stacks)("the %s stack", async (stack) => {
  const resources = await declareStack(stack);
  const deployments = objectsOfKind<KubernetesObject>(resources, "Deployment");

  test("has only pods that the `restricted` profile takes", () => {
    expect(deployments.length).toBeGreaterThanOrEqual(5);
    expect(
      Object.fromEntries(deployments.map(({ metadata, spec }) => [metadata.name, violations(spec.template)])),
    ).toEqual(Object.fromEntries(deployments.map(({ metadata }) => [metadata.name, []])));
  });

  test("has them all in a namespace that enforces it", () => {
    const [namespace, ...others] = objectsOfKind<KubernetesObject>(resources, "Namespace");
    expect(others).toEqual([]);
    expect(namespace?.metadata.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "restricted" });
    for (const { metadata } of deployments) expect(metadata.namespace).toBe(namespace?.metadata.name);
  });
});

describe("the checker finds", () => {
  type Change = {
    spec?: Partial<Pod["spec"]>;
    pod?: SecurityContext;
    container?: Partial<Container>;
    context?: SecurityContext;
    annotations?: Record<string, string>;
  };
  const changed = ({ spec, pod, container, context, annotations = {} }: Change): Pod => ({
    metadata: { annotations },
    spec: {
      securityContext: { runAsNonRoot: true, runAsUser: 1, seccompProfile: { type: "RuntimeDefault" }, ...pod },
      volumes: [{ name: "tmp", emptyDir: {} }],
      containers: [
        {
          name: "a",
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, ...context },
          ...container,
        },
      ],
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
