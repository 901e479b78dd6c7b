import { join } from "node:path";
import { applyObject } from "../../machine/cluster/api.ts";
import { untilServed } from "../../machine/cluster/definitions.ts";
import { kubernetesClient } from "../../machine/kubernetes-client.ts";
import { nodeProgram, startProcess } from "../../machine/process.ts";
import type { GitHubConnection } from "../circleci/settings.ts";
import { writeSecretFile } from "../secrets.ts";

export interface PipelinesAsCodeStandInOptions {
  stateDir: string;
  /** Where GitHub sends its webhooks. */
  port: number;
  kubeconfigPath: string;
  github: GitHubConnection;
}

const group = "pipelinesascode.tekton.dev";

/** Gives the cluster the kind `Repository`, and starts the stand-in for Pipelines-as-Code. What runs already is kept. */
export async function startPipelinesAsCode(options: PipelinesAsCodeStandInOptions): Promise<void> {
  const { stateDir, port, kubeconfigPath, github } = options;
  const client = kubernetesClient(kubeconfigPath);
  const name = `repositories.${group}`;
  await applyObject(client, `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind: "Repository", plural: "repositories", singular: "repository", listKind: "RepositoryList" },
      versions: [{ name: "v1alpha1", served: true, storage: true, schema: { openAPIV3Schema: repositorySchema } }],
    },
  });
  await untilServed(client, `/apis/${group}/v1alpha1`, new Set(["Repository"]));
  await startProcess(stateDir, {
    name: "pipelines-as-code",
    ...nodeProgram(join(import.meta.dirname, "main.ts"), [
      `--port=${port}`,
      `--kubeconfig=${kubeconfigPath}`,
      `--github=${writeSecretFile(stateDir, "pipelines-as-code-github", JSON.stringify(github))}`,
    ]),
    ready: async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok,
  });
}

/** What a stack declares of it; unknown keys are refused, as they are by the real one's schema. */
const repositorySchema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      required: ["url"],
      properties: {
        url: { type: "string" },
        settings: { type: "object", properties: { pipelinerun_provenance: { type: "string" } } },
        incoming: {
          type: "array",
          items: {
            type: "object",
            properties: {
              type: { type: "string", enum: ["webhook-url"] },
              targets: { type: "array", items: { type: "string" } },
              secret: { type: "object", properties: { name: { type: "string" }, key: { type: "string" } } },
            },
          },
        },
      },
    },
  },
} as const;
