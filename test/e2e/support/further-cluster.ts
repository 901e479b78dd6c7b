import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { z } from "zod";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import {
  conditionOf,
  listAt,
  nameOf,
  namespaceOf,
  stringAt,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import { addressesOf } from "../../../sandbox/machine/cluster/addresses.ts";
import { ensureCertificates } from "../../../sandbox/machine/cluster/certificates.ts";
import { startApi, startControllers } from "../../../sandbox/machine/cluster/control-plane.ts";
import { ensureTokens, writeKubeconfig } from "../../../sandbox/machine/cluster/kubeconfig.ts";
import { choosePort } from "../../../sandbox/machine/ports.ts";
import { stopAllProcesses } from "../../../sandbox/machine/process.ts";
import { buildTools } from "../../../sandbox/machine/tools/go-tools.ts";

/** A second cluster: a real API server with its controllers. It has no node: this process says of each pod that it is ready. */
export interface FurtherCluster extends AsyncDisposable {
  readonly server: string;
  /** With which Argo CD may do all there. */
  readonly token: string;
  /** The certificate of its authority, as PEM. */
  readonly ca: string;
  readonly kubeconfigPath: string;
  readonly kubernetes: KubernetesClient;
}

/** Where it is, within the state directory of the tests' sandbox. */
function directoryIn(stateDir: string): string {
  return join(stateDir, "further-cluster");
}

/** One that was stopped goes on with what it had. @param sandboxDir the state directory of the tests' sandbox */
export async function startFurtherCluster(sandboxDir: string): Promise<FurtherCluster> {
  const stateDir = directoryIn(sandboxDir);
  mkdirSync(join(stateDir, "cluster"), { recursive: true, mode: 0o700 });
  const tools = await buildTools(["kube", "etcd"], () => undefined);
  const certificates = ensureCertificates(join(stateDir, "cluster", "pki"), {
    apiServer: ["localhost", "kubernetes.default.svc", "127.0.0.1"],
    kubelet: ["127.0.0.1"],
  });
  const { file: tokenFile, tokens } = ensureTokens(join(stateDir, "cluster"));
  const address = "127.0.0.1";
  const port = await choosePort(stateDir, "kube-apiserver", 6543, address);
  const { serviceRange } = addressesOf(97);
  const options = { stateDir, tools, certificates, tokenFile, tokens, address, port, serviceRange };
  const kubernetes = await startApi({ ...options, publishEndpoint: false });
  await startControllers({ ...options, publishEndpoint: false });
  const server = `https://${address}:${port}`;
  const authority = certificates.authority.certificate;
  const ended = new AbortController();
  const kubelet = keepPodsReady(kubernetes, ended.signal);
  return {
    server,
    token: tokens.admin,
    ca: readFileSync(authority, "utf8"),
    kubeconfigPath: writeKubeconfig(join(stateDir, "kubeconfig"), server, authority, tokens.admin),
    kubernetes,
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await kubelet;
      await stopFurtherCluster(sandboxDir);
    },
  };
}

/** Also what a run that was killed has left. */
export async function stopFurtherCluster(sandboxDir: string): Promise<void> {
  await stopAllProcesses(directoryIn(sandboxDir));
}

async function keepPodsReady(kubernetes: KubernetesClient, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const pods = listAt(await kubernetes.request("GET", "/api/v1/pods", { signal }), "items");
      const waiting = pods.filter((pod) => conditionOf(pod, "Ready")?.["status"] !== "True");
      await Promise.all(waiting.map((pod) => makeReady(kubernetes, pod, signal)));
    } catch {
      // It looks again: the server may just be about to stop, and a pod gone.
    }
    await sleep(300, undefined, { signal }).catch(() => undefined);
  }
}

async function makeReady(kubernetes: KubernetesClient, pod: KubernetesObject, signal: AbortSignal): Promise<void> {
  const now = stringAt(pod, "metadata", "creationTimestamp");
  const conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({
    type,
    status: "True",
    lastTransitionTime: now,
  }));
  await kubernetes.request("PATCH", `/api/v1/namespaces/${namespaceOf(pod)}/pods/${nameOf(pod)}/status`, {
    contentType: "application/merge-patch+json",
    body: { status: { phase: "Running", startTime: now, conditions } },
    signal,
  });
}

const kubeconfigSchema = z.looseObject({
  clusters: z.tuple([z.looseObject({ cluster: z.unknown() })]),
  users: z.tuple([z.looseObject({ user: z.unknown() })]),
});

/** Writes one kubeconfig that knows several clusters, each by a context of its name; the first is the current one. */
export function writeJointKubeconfig(path: string, files: Readonly<Record<string, string>>): string {
  const entries = Object.entries(files).map(([name, file]) => {
    const { clusters, users } = kubeconfigSchema.parse(parse(readFileSync(file, "utf8")));
    return { name, cluster: clusters[0].cluster, user: users[0].user };
  });
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: entries.map(({ name, cluster }) => ({ name, cluster })),
    users: entries.map(({ name, user }) => ({ name, user })),
    contexts: entries.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
    "current-context": entries[0]?.name,
  };
  writeFileSync(path, stringify(config), { mode: 0o600 });
  return path;
}
