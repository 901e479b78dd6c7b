import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { startSandbox, type Sandbox } from "../../sandbox/commands/start-sandbox.ts";
import { ensureCredentials, type Credentials } from "../../sandbox/machine/credentials.ts";
import { circleCiEndpoint } from "../../sandbox/machine/endpoints.ts";
import { kubernetesClient } from "../../sandbox/machine/kubernetes-client.ts";
import { openCircleCi, type CircleCi } from "./circleci-account.ts";

/** The tests' sandbox, with clients that look at it past the engine and its providers. */
export interface SandboxHarness {
  stateDir: string;
  sandbox: Sandbox;
  credentials: Credentials;
  /** The administrator's token of the API server. */
  clusterToken: string;
  kubernetes: KubernetesClient;
  circleci: CircleCi;
}

const kubeconfigSchema = z.object({ users: z.tuple([z.object({ user: z.object({ token: z.string().min(16) }) })]) });

/** Finds the sandbox running that the global setup has started. */
export async function enterSandbox(): Promise<SandboxHarness> {
  const stateDir = inject("stateDir");
  const sandbox = await startSandbox({ stateDir, delivery: "direct", report: () => undefined });
  const credentials = ensureCredentials(stateDir);
  return {
    stateDir,
    sandbox,
    credentials,
    clusterToken: kubeconfigSchema.parse(parse(readFileSync(sandbox.cluster.kubeconfigPath, "utf8"))).users[0].user
      .token,
    kubernetes: kubernetesClient(sandbox.cluster.kubeconfigPath),
    circleci: openCircleCi(
      circleCiEndpoint(sandbox.endpoints),
      credentials.circleciToken,
      join(stateDir, "circleci.json"),
    ),
  };
}

const listSchema = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

/** The names of all objects of a kind in a namespace, e.g. of `apps/v1/deployments`, sorted. */
export async function namesOf(kubernetes: KubernetesClient, kind: string, namespace: string): Promise<string[]> {
  const [plural = "", version = "", group] = kind.split("/").toReversed();
  const base = group === undefined ? `/api/${version}` : `/apis/${group}/${version}`;
  const { items } = listSchema.parse(await kubernetes.request("GET", `${base}/namespaces/${namespace}/${plural}`));
  return items.map(({ metadata }) => metadata.name).toSorted();
}

const deploymentSchema = z.object({
  metadata: z.object({ uid: z.string(), generation: z.number() }),
  spec: z.object({
    replicas: z.number(),
    template: z.object({ spec: z.object({ containers: z.tuple([z.object({ image: z.string() })]) }) }),
  }),
  status: z.object({
    observedGeneration: z.number().default(0),
    replicas: z.number().default(0),
    updatedReplicas: z.number().default(0),
    availableReplicas: z.number().default(0),
  }),
});

/** A Deployment's path on the API server. */
export function deploymentPath(namespace: string, name: string): string {
  return `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
}

export interface DeploymentState {
  uid: string;
  generation: number;
  replicas: number;
  available: number;
  /** Pods of the newest template, and all pods. */
  updated: number;
  pods: number;
  observedGeneration: number;
  image: string;
}

export async function deploymentOf(
  kubernetes: KubernetesClient,
  namespace: string,
  name: string,
): Promise<DeploymentState> {
  const { metadata, spec, status } = deploymentSchema.parse(
    await kubernetes.request("GET", deploymentPath(namespace, name)),
  );
  const { observedGeneration, availableReplicas: available, updatedReplicas: updated, replicas: pods } = status;
  return {
    ...metadata,
    replicas: spec.replicas,
    observedGeneration,
    available,
    updated,
    pods,
    image: spec.template.spec.containers[0].image,
  };
}

/** Whether a rollout has come to its end: so many pods, all of them new and available. */
export function isSettled(
  { generation, observedGeneration, available, updated, pods }: DeploymentState,
  count: number,
): boolean {
  return observedGeneration >= generation && available === count && updated === count && pods === count;
}
