import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { isMap, type JsonMap, type JsonValue } from "../../../kubernetes/json.ts";
import { parseManifests } from "../../../kubernetes/manifests.ts";
import { kindOf, listAt, nameOf, stringAt } from "../../../kubernetes/object.ts";
import { applyObject } from "../cluster/api.ts";
import { untilServed } from "../cluster/definitions.ts";
import { kubernetesClient } from "../kubernetes-client.ts";
import { choosePort } from "../ports.ts";
import { frugalGo, startProcess, stopProcess } from "../process.ts";
import { giveTektonImages, tektonImages } from "./images.ts";

export const tektonTools = [
  "tekton-controller",
  "tekton-webhook",
  "tekton-entrypoint",
  "tekton-nop",
  "tekton-workingdirinit",
  "tekton-files",
] as const;

export interface TektonOptions {
  stateDir: string;
  /** Tekton's binaries and the objects of its release; what the node runs pods with, and a shell for them. */
  tools: Readonly<Record<(typeof tektonTools)[number] | "containerd" | "busybox", string>>;
  kubeconfigPath: string;
}

const namespace = "tekton-pipelines";
const service = "tekton-pipelines-webhook";
const processNames = { controller: "tekton-controller", webhook: "tekton-webhook" } as const;

/** The names under which its own Deployments get their ConfigMaps. */
const configMaps = {
  CONFIG_DEFAULTS_NAME: "config-defaults",
  CONFIG_FEATURE_FLAGS_NAME: "feature-flags",
  CONFIG_LOGGING_NAME: "config-logging",
  CONFIG_OBSERVABILITY_NAME: "config-observability",
  CONFIG_SPIRE: "config-spire",
} as const;

/**
 * Gives the cluster Tekton Pipelines: its kinds and its ConfigMaps, and its webhook and controller as processes of this machine. What
 * runs already is kept; what was killed goes on with the runs that it finds.
 */
export async function startTekton({ stateDir, tools, kubeconfigPath }: TektonOptions): Promise<void> {
  const client = kubernetesClient(kubeconfigPath);
  const port = await choosePort(stateDir, "tekton-webhook", 8493);
  const files = join(tools["tekton-files"], "config");
  await Promise.all([giveTektonImages({ stateDir, tools }), defineTekton(client, files, port)]);
  const start = async (name: keyof typeof processNames, args: readonly string[], ready: () => Promise<boolean>) =>
    startProcess(stateDir, {
      name: processNames[name],
      command: tools[processNames[name]],
      // One of each runs, so that none waits for the other's lease after a kill.
      args: [`--kubeconfig=${kubeconfigPath}`, "--disable-ha", ...args],
      env: {
        ...frugalGo,
        ...configMaps,
        ...(await ownPorts(stateDir, name)),
        CONFIG_LEADERELECTION_NAME: `config-leader-election-${name}`,
        SYSTEM_NAMESPACE: namespace,
        KUBERNETES_MIN_VERSION: "v1.28.0",
        METRICS_DOMAIN: "tekton.dev/pipeline",
        WEBHOOK_PORT: String(port),
        WEBHOOK_SERVICE_NAME: service,
        WEBHOOK_SECRET_NAME: "webhook-certs",
        WEBHOOK_ADMISSION_CONTROLLER_NAME: "webhook.pipeline.tekton.dev",
      },
      ready,
    });
  await start("webhook", [], () => acceptsRuns(client));
  const { PROBES_PORT: probes } = await ownPorts(stateDir, "controller");
  await start(
    "controller",
    [
      `--entrypoint-image=${tektonImages.entrypoint}`,
      `--nop-image=${tektonImages.helpers}`,
      `--shell-image=${tektonImages.helpers}`,
      `--workingdirinit-image=${tektonImages.helpers}`,
      // It insists on all of them, and nothing here asks for these two.
      "--shell-image-win=none",
      "--sidecarlogresults-image=none",
    ],
    async () => (await fetch(`http://127.0.0.1:${probes}/health`)).ok,
  );
}

/** Stops both; runs stay as they are. */
export async function stopTekton(stateDir: string): Promise<void> {
  for (const name of Object.values(processNames)) await stopProcess(stateDir, name);
}

async function ownPorts(stateDir: string, name: keyof typeof processNames) {
  const choose = async (purpose: string, preferred: number): Promise<string> =>
    String(await choosePort(stateDir, `tekton-${name}-${purpose}`, preferred));
  return {
    METRICS_PROMETHEUS_HOST: "127.0.0.1",
    METRICS_PROMETHEUS_PORT: await choose("metrics", 8494),
    PROFILING_PORT: await choose("profiling", 8497),
    PROBES_PORT: await choose("probes", 8500),
  };
}

/** Where objects of these kinds are, by their names. */
const paths: Readonly<Record<string, string>> = {
  Namespace: "/api/v1/namespaces",
  ConfigMap: `/api/v1/namespaces/${namespace}/configmaps`,
  Secret: `/api/v1/namespaces/${namespace}/secrets`,
  CustomResourceDefinition: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  MutatingWebhookConfiguration: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
  ValidatingWebhookConfiguration: "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
};

/** @param port where the webhook listens on this machine's loopback */
async function defineTekton(client: KubernetesClient, files: string, port: number): Promise<void> {
  const apply = async (file: string): Promise<void> => {
    for (const object of objectsIn(join(files, file)))
      await applyObject(client, `${paths[kindOf(object).kind]}/${nameOf(object)}`, withPort(object, port));
  };
  await apply("100-namespace/100-namespace.yaml");
  await applyObject(client, `/api/v1/namespaces/${namespace}/services/${service}`, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: service, namespace },
    // The API server is a process of this machine, too.
    spec: { type: "ExternalName", externalName: "localhost" },
  });
  const kinds = readdirSync(join(files, "300-crds")).map((file) => join("300-crds", file));
  const configs = readdirSync(files).filter((file) => file.startsWith("config-"));
  await Promise.all([...kinds, ...configs].map(apply));
  // From now on a change of the ConfigMaps needs the webhook, which reads them when it starts.
  await apply("500-webhooks.yaml");
  await untilServed(client, api, new Set(["Pipeline", "PipelineRun", "Task", "TaskRun"]));
}

function objectsIn(path: string): readonly JsonMap[] {
  const parsed = parseManifests(readFileSync(path, "utf8"));
  if ("problem" in parsed) throw new Error(`${path} ${parsed.problem}`);
  return parsed.objects;
}

/** Wherever the API server is told to call the webhook, it is told its port, too: it would take 443. */
function withPort(value: JsonMap, port: number): JsonMap {
  const changed = (one: JsonValue): JsonValue =>
    Array.isArray(one) ? one.map(changed) : isMap(one) ? withPort(one, port) : one;
  const entries = Object.entries(value).map(([key, inner]) => [key, changed(inner)] as const);
  const isWebhook = value["name"] === service && value["namespace"] === namespace;
  return Object.fromEntries(isWebhook ? [...entries, ["port", port]] : entries);
}

const api = "/apis/tekton.dev/v1";

/** Whether the webhook has told the API server how to call it, and answers it: until then nobody can start a run. */
async function acceptsRuns(client: KubernetesClient): Promise<boolean> {
  for (const kind of ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] as const) {
    const { [kind]: path = "" } = paths;
    const found = listAt(await client.request("GET", path), "items").filter((one) =>
      nameOf(one).endsWith("webhook.pipeline.tekton.dev"),
    );
    const hooks = found.flatMap((one) => listAt(one, "webhooks"));
    if (hooks.length === 0 || hooks.some((hook) => stringAt(hook, "clientConfig", "caBundle") === undefined))
      return false;
  }
  const trial = {
    apiVersion: "tekton.dev/v1",
    kind: "Task",
    metadata: { name: "trial" },
    spec: { steps: [{ name: "trial", image: "trial", script: "true" }] },
  };
  await client.request("POST", `${api}/namespaces/default/tasks`, { body: trial, query: { dryRun: "All" } });
  return true;
}
