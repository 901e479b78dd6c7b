import { join } from "node:path";
import { defineKinds } from "../cluster/definitions.ts";
import { kubernetesClient } from "../kubernetes-client.ts";
import { choosePort } from "../ports.ts";
import { frugalGo, startProcess, stopProcess } from "../process.ts";

export interface RolloutsOptions {
  stateDir: string;
  /** The controller's binary, and the definitions of its kinds. */
  tools: { "rollouts-controller": string; "rollouts-files": string };
  kubeconfigPath: string;
}

const processName = "rollouts-controller";

/**
 * Gives the cluster the kinds of Argo Rollouts, and its controller as a process of this machine, which reaches servers of metrics
 * on its loopback. What runs already is kept.
 */
export async function startRollouts({ stateDir, tools, kubeconfigPath }: RolloutsOptions): Promise<void> {
  const client = kubernetesClient(kubeconfigPath);
  await defineKinds(client, join(tools["rollouts-files"], "manifests", "crds"), "/apis/argoproj.io/v1alpha1");
  const metrics = await choosePort(stateDir, "rollouts-metrics", 8490);
  const health = await choosePort(stateDir, "rollouts-health", 8491);
  await startProcess(stateDir, {
    name: processName,
    command: tools["rollouts-controller"],
    args: [
      `--kubeconfig=${kubeconfigPath}`,
      `--metricsPort=${metrics}`,
      `--healthzPort=${health}`,
      "--leader-elect=false",
    ],
    env: frugalGo,
    ready: async () => (await fetch(`http://127.0.0.1:${health}/healthz`)).ok,
  });
}

/** Stops the controller; the objects of its kinds stay as they are. */
export async function stopRollouts(stateDir: string): Promise<void> {
  await stopProcess(stateDir, processName);
}
