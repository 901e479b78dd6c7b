import { join } from "node:path";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { writePrivate } from "../private-file.ts";
import { frugalGo, runningPid, startProcess } from "../process.ts";
import { applyObject, deleteObject, ensureNodeKind, nodeName, readNode, simulationMarker } from "./api.ts";
import { writeKubeconfig, type UserName } from "./kubeconfig.ts";

const leasePath = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${nodeName}`;

/**
 * Starts kwok and a node that it plays: pods scheduled there become Running and Ready, and go when they are deleted, but
 * no container runs. Resolves when the node is Ready.
 */
export async function startSimulatedNode(
  options: { stateDir: string; kwok: string; authority: string; tokens: Record<UserName, string> },
  api: KubernetesClient,
): Promise<void> {
  const { stateDir } = options;
  await ensureNodeKind(api, "simulated");
  // The lease of a kwok that was killed would have to run out first (40 s).
  if (runningPid(stateDir, "kwok") === undefined) await deleteObject(api, leasePath);
  await applyObject(api, `/api/v1/nodes/${nodeName}`, {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: nodeName,
      annotations: { [simulationMarker]: "fake" },
      labels: { "kubernetes.io/os": "linux", "kubernetes.io/hostname": nodeName },
    },
  });
  const kubeconfig = writeKubeconfig(
    join(stateDir, "cluster", "kwok.kubeconfig"),
    api.connection.server,
    options.authority,
    options.tokens.kwok,
  );
  await startProcess(stateDir, {
    name: "kwok",
    command: options.kwok,
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--config=${writePrivate(join(stateDir, "cluster", "stages.yaml"), simulatedStages())}`,
      `--manage-nodes-with-annotation-selector=${simulationMarker}=fake`,
      "--node-lease-duration-seconds=40",
      "--node-ip=127.0.0.1",
      "--cidr=10.0.0.0/16",
    ],
    env: frugalGo,
    ready: async () => {
      await api.request("GET", leasePath);
      return (await readNode(api))?.ready === true;
    },
  });
}

/**
 * What kwok does to objects of its node, as its Stage resources: the node says it is ready, its pods run and are ready as
 * soon as they are scheduled, pods of Jobs complete, and deleted pods disappear. The templates are Go templates over the object.
 */
export function simulatedStages(): string {
  // JSON is YAML.
  return [nodeReady, podReady, podComplete, podDelete].map((object) => JSON.stringify(object, null, 2)).join("\n---\n");
}

const alive = { key: ".metadata.deletionTimestamp", operator: "DoesNotExist" };

const nodeReady = stage(
  "node-ready",
  "Node",
  [{ key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: "NotIn", values: ["True"] }],
  {
    statusTemplate: `
    {{ $now := Now }}
    conditions:
    {{ range NodeConditions }}
    - { type: {{ .type }}, status: {{ .status | Quote }}, reason: {{ .reason }}, message: {{ .message | Quote }}, lastHeartbeatTime: {{ $now }}, lastTransitionTime: {{ $now }} }
    {{ end }}
    addresses:
    - { type: InternalIP, address: {{ NodeIP | Quote }} }
    - { type: Hostname, address: {{ NodeName | Quote }} }
    capacity: { cpu: "32", memory: 64Gi, pods: "500" }
    allocatable: { cpu: "32", memory: 64Gi, pods: "500" }
    nodeInfo:
      { architecture: "", bootID: "", containerRuntimeVersion: "kwok://{{ Version }}", kernelVersion: "", kubeProxyVersion: "", kubeletVersion: "kwok-{{ Version }}",
        machineID: "", operatingSystem: linux, osImage: "simulated by kwok", systemUUID: "" }
  `,
  },
);

const podReady = stage("pod-ready", "Pod", [alive, { key: ".status.phase", operator: "In", values: ["Pending"] }], {
  statusTemplate: `
    {{ $now := Now }}
    phase: Running
    startTime: {{ $now }}
    conditions:
    {{ range $type := (list "PodReadyToStartContainers" "Initialized" "ContainersReady" "Ready") }}
    - { type: {{ $type }}, status: "True", lastTransitionTime: {{ $now }} }
    {{ end }}
    initContainerStatuses:
    {{ range .spec.initContainers }}
    - { name: {{ .name }}, image: {{ .image | Quote }}, imageID: "", ready: true, restartCount: 0, state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now }}, finishedAt: {{ $now }} } } }
    {{ end }}
    containerStatuses:
    {{ range .spec.containers }}
    - { name: {{ .name }}, image: {{ .image | Quote }}, imageID: "", ready: true, started: true, restartCount: 0, state: { running: { startedAt: {{ $now }} } } }
    {{ end }}
    hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
    {{ $address := PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
    podIP: {{ $address | Quote }}
    podIPs: [{ ip: {{ $address | Quote }} }]
  `,
});

const podComplete = stage(
  "pod-complete",
  "Pod",
  [
    alive,
    { key: ".status.phase", operator: "In", values: ["Running"] },
    { key: ".metadata.ownerReferences.[].kind", operator: "In", values: ["Job"] },
  ],
  {
    statusTemplate: `
    {{ $now := Now }}
    phase: Succeeded
    containerStatuses:
    {{ range .spec.containers }}
    - { name: {{ .name }}, image: {{ .image | Quote }}, imageID: "", ready: false, started: false, restartCount: 0, state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now }}, finishedAt: {{ $now }} } } }
    {{ end }}
  `,
  },
);

const podDelete = stage("pod-delete", "Pod", [{ key: ".metadata.deletionTimestamp", operator: "Exists" }], {
  delete: true,
});

function stage(name: string, kind: "Node" | "Pod", matchExpressions: object[], next: object): object {
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "Stage",
    metadata: { name },
    spec: { resourceRef: { apiGroup: "v1", kind }, selector: { matchExpressions }, next },
  };
}
