import { errorMessage } from "../../../core/error.ts";
import { createClient } from "../../../kubernetes/client.ts";
import { connectionOf, type Connection } from "../../../kubernetes/connection.ts";
import { UnreachableError } from "../../../kubernetes/errors.ts";
import { isMap } from "../../../kubernetes/json.ts";
import { loadKubeconfig } from "../../../kubernetes/kubeconfig.ts";
import { stringAt } from "../../../kubernetes/object.ts";
import { silentLog, type EngineLog } from "../engine-client.ts";
import { isSecret, reveal, unknown, type PropertyMap, type PropertyValue } from "../property.ts";
import { ResourceInitError, type ConfiguredProvider, type ResourceProvider } from "../resource-provider.ts";
import { check } from "./check.ts";
import { create, update } from "./create-update.ts";
import { remove } from "./delete.ts";
import { diff } from "./diff.ts";
import { createDiscovery } from "./discovery.ts";
import { read } from "./read.ts";
import { checkSettings, diffSettings, probe, settingsOf, type Cluster, type Session } from "./session.ts";

const version = "4.34.2";

type Environment = Readonly<Record<string, string | undefined>>;

interface KubernetesProviderOptions {
  /**
   * Where KUBECONFIG, HOME and the official provider's PULUMI_K8S_… variables are looked up.
   *
   * @default process.env
   */
  environment?: Environment;
}

/**
 * The offline `kubernetes` provider: speaks to a real API server and keeps the same state as the official plugin, for every
 * kind that the API server serves. It has no Patch and List types, Helm, YAML and kustomize resources.
 */
export function createKubernetesProvider(options: KubernetesProviderOptions = {}): ResourceProvider {
  const environment = options.environment ?? process.env;
  return {
    name: "kubernetes",
    version,
    checkConfig: (news) => Promise.resolve(checkSettings(news)),
    diffConfig: (request) => Promise.resolve(diffSettings(request, environment)),
    configure: (inputs, log = silentLog) => {
      const cancelled = new AbortController();
      const session = sessionOf(inputs, { environment, log, cancelled: cancelled.signal });
      return Promise.resolve(configured(session, () => cancelled.abort()));
    },
  };
}

function configured(session: Session, cancel: () => void): ConfiguredProvider {
  return {
    cancel,
    check: (request) => withoutSecrets([request.news], () => check(session, request)),
    diff: (request) => withoutSecrets([request.news], () => diff(session, request)),
    create: (request) => withoutSecrets([request.inputs], () => create(session, request)),
    read: (request) => withoutSecrets([request.state, request.inputs], () => read(session, request)),
    update: (request) => withoutSecrets([request.news], () => update(session, request)),
    delete: (request) => withoutSecrets([request.state], () => remove(session, request)),
    invoke: (token) =>
      Promise.reject(
        new Error(
          `the offline kubernetes provider has no function ${token}: declare the objects in the program, or install the official plugin.`,
        ),
      ),
  };
}

function sessionOf(
  inputs: PropertyMap,
  { environment, log, cancelled }: { environment: Environment; log: EngineLog; cancelled: AbortSignal },
): Session {
  const settings = settingsOf(inputs, environment);
  let connection: Connection;
  try {
    connection = connectionFrom(inputs, environment);
  } catch (error) {
    const isLeniency =
      error instanceof UnreachableError || settings.deleteUnreachable || settings.skipUpdateUnreachable;
    if (!isLeniency) throw error;
    const reason = error instanceof UnreachableError ? error : new UnreachableError(errorMessage(error));
    const namespace = stringAt(inputs, "namespace") ?? "default";
    return { settings, namespace, discovery: undefined, reach: () => Promise.reject(reason), cancelled, log };
  }
  const client = createClient(connection, environment);
  const cluster: Cluster = { client, discovery: createDiscovery(client) };
  let probed: Promise<void> | undefined;
  const reach = async (): Promise<Cluster> => {
    probed ??= probe(client);
    await probed;
    return cluster;
  };
  return { settings, namespace: connection.namespace, discovery: cluster.discovery, reach, cancelled, log };
}

function connectionFrom(inputs: PropertyMap, environment: Environment): Connection {
  const known = reveal(inputs);
  const opened = isMap(known) ? known : {};
  const pending = ["kubeconfig", "context", "cluster"].filter((key) => opened[key] === unknown);
  if (pending.length > 0)
    throw new UnreachableError(`the provider's ${pending.join(" and ")} is not known before the update runs.`);
  const kubeconfig = loadKubeconfig({ kubeconfig: opened["kubeconfig"], environment });
  return connectionOf(kubeconfig, {
    context: stringAt(opened, "context"),
    cluster: stringAt(opened, "cluster"),
    namespace: stringAt(opened, "namespace"),
  });
}

/** Runs an operation so that no secret value of `properties` shows in its error. */
export async function withoutSecrets<Result>(
  properties: readonly PropertyMap[],
  operation: () => Promise<Result>,
): Promise<Result> {
  try {
    return await operation();
  } catch (error) {
    const secrets = [...new Set(properties.flatMap(secretTexts))].toSorted((a, b) => b.length - a.length);
    const clean = (text: string): string =>
      secrets.reduce((message, secret) => message.replaceAll(secret, "[secret]"), text);
    if (error instanceof ResourceInitError) {
      const { id, outputs, inputs, reasons } = error;
      throw new ResourceInitError(clean(error.message), { id, outputs, inputs, reasons: reasons.map(clean) });
    }
    if (!(error instanceof Error)) throw error;
    error.message = clean(error.message);
    throw error;
  }
}

/** Shorter ones would blank out ordinary words. */
const shortest = 4;

function secretTexts(value: PropertyValue): string[] {
  if (isSecret(value)) return texts(reveal(value));
  if (Array.isArray(value)) return value.flatMap(secretTexts);
  return isMap(value) ? Object.values(value).flatMap(secretTexts) : [];
}

/** Each text in a value, and what it says where it is base64, as in a Secret's data. */
function texts(value: PropertyValue): string[] {
  if (Array.isArray(value)) return value.flatMap(texts);
  if (isMap(value)) return Object.values(value).flatMap(texts);
  if (typeof value !== "string") return [];
  const decoded = Buffer.from(value, "base64").toString("utf8");
  const isBase64 = Buffer.from(decoded, "utf8").toString("base64") === value;
  return [value, ...(isBase64 ? [decoded] : [])].filter((text) => text.trim().length >= shortest);
}
