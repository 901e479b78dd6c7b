import { isDeepStrictEqual } from "node:util";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { activeCluster } from "../../../kubernetes/connection.ts";
import { ApiError, UnreachableError } from "../../../kubernetes/errors.ts";
import { isMap } from "../../../kubernetes/json.ts";
import { loadKubeconfig } from "../../../kubernetes/kubeconfig.ts";
import { stringAt } from "../../../kubernetes/object.ts";
import type { EngineLog } from "../engine-client.ts";
import { hasUnknown, reveal, unknown, type PropertyMap } from "../property.ts";
import type { CheckFailure, CheckResult, DiffKind, DiffRequest, DiffResult } from "../resource-provider.ts";
import type { Discovery } from "./discovery.ts";
import { asReplacement, differences } from "./property-diff.ts";

/** An API server that answers. */
export interface Cluster {
  client: KubernetesClient;
  discovery: Discovery;
}

interface Settings {
  /** A cluster that is gone takes its resources with it: they leave the state. */
  deleteUnreachable: boolean;
  /** Resources of a cluster that does not answer stay as they are. */
  skipUpdateUnreachable: boolean;
  /** Take fields over that another field manager owns. */
  patchForce: boolean;
  /** A create adopts an object that exists. */
  upsert: boolean;
  mutability: Mutability;
}

/** What all operations of one configured provider share. */
export interface Session {
  settings: Settings;
  /** The namespace of objects that name none. */
  namespace: string;
  /** Kinds and scopes; usable without an answer of the API server too. */
  discovery: Discovery | undefined;
  /** @throws UnreachableError, or ApiError where the credentials are refused. */
  reach(): Promise<Cluster>;
  /** Ends what waits. */
  cancelled: AbortSignal;
  log: EngineLog;
}

const probeTimeout = 10_000;

/** Asks the API server once whether it answers; a refusal is an answer, too. */
export async function probe(client: KubernetesClient): Promise<void> {
  const signal = AbortSignal.timeout(probeTimeout);
  try {
    await client.request("GET", "/version", { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) return;
    if (!signal.aborted) throw error;
    const { server, source, context } = client.connection;
    throw new UnreachableError(
      `the API server ${server} does not answer within ${probeTimeout / 1000} s. It is named by context "${context}" of ${source}: start the cluster, or correct the kubeconfig.`,
    );
  }
}

const warned = new WeakSet<Session>();

/** The cluster, or undefined where it does not answer, of which the user is warned once. @throws ApiError where the credentials are refused. */
export async function reachable(session: Session): Promise<Cluster | undefined> {
  try {
    return await session.reach();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    if (!warned.has(session))
      session.log.message(
        "warning",
        "",
        `${error.message} Until then a preview shows what the program says, unchecked.`,
      );
    warned.add(session);
    return undefined;
  }
}

/** For an operation on a resource whose cluster does not answer: how to drop the resource from the state. */
export function explainUnreachable(error: UnreachableError): Error {
  return new Error(
    `${error.message} If the cluster is gone for good, PULUMI_K8S_DELETE_UNREACHABLE=true removes its resources from the state.`,
    { cause: error },
  );
}

export interface Mutability {
  /** `enableConfigMapMutable` of the provider. */
  configMaps: boolean;
  /** `enableSecretMutable` of the provider. */
  secrets: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Refuses what this provider cannot do, rather than ignore it. */
export function checkSettings(news: PropertyMap): CheckResult {
  const failures: CheckFailure[] = [];
  if (flag(news, "enableServerSideApply") === false) {
    failures.push({
      property: "enableServerSideApply",
      reason:
        "the offline kubernetes provider only applies server-side: leave it unset, or install the official plugin",
    });
  }
  if (stringAt(news, "renderYamlToDirectory")) {
    failures.push({
      property: "renderYamlToDirectory",
      reason: "the offline kubernetes provider does not render YAML: leave it unset, or install the official plugin",
    });
  }
  return { inputs: news, failures };
}

/** The SDK passes flags as JSON text; what the program leaves unset may be set by the official provider's variables. */
export function settingsOf(inputs: PropertyMap, environment: Environment): Settings {
  const isOn = (key: string, variable: string): boolean =>
    flag(inputs, key) ?? environment[`PULUMI_K8S_${variable}`] === "true";
  return {
    deleteUnreachable: isOn("deleteUnreachable", "DELETE_UNREACHABLE"),
    skipUpdateUnreachable: isOn("skipUpdateUnreachable", "SKIP_UPDATE_UNREACHABLE"),
    patchForce: isOn("enablePatchForce", "ENABLE_PATCH_FORCE"),
    upsert: isOn("upsertExistingObjects", "UPSERT_EXISTING_OBJECTS"),
    mutability: {
      configMaps: isOn("enableConfigMapMutable", "ENABLE_CONFIGMAP_MUTABLE"),
      secrets: isOn("enableSecretMutable", "ENABLE_SECRET_MUTABLE"),
    },
  };
}

function flag(inputs: PropertyMap, key: string): boolean | undefined {
  const value = reveal(inputs[key] ?? null);
  if (value === null || value === "" || value === unknown) return undefined;
  return value === true || value === "true";
}

/**
 * A changed provider input replaces the provider, and with it all its resources, only where it may mean another cluster:
 * the active cluster's entry in the kubeconfig, or `clusterIdentifier` where it is set, as in the official provider.
 */
export function diffSettings(request: DiffRequest, environment: Environment): DiffResult {
  // Older engines send no inputs apart from the outputs, which are the same for a provider.
  const before = Object.keys(request.oldInputs).length > 0 ? request.oldInputs : request.olds;
  const [olds, news] = [opened(before), opened(request.news)];
  const changed = [...new Set(differences(olds, news).map(({ path }) => String(path[0])))].filter(
    (key) => key !== "version",
  );
  const replaces = replacing(olds, news, changed, environment);
  const kindOf = (key: string): DiffKind => {
    const kind = olds[key] === undefined ? "add" : news[key] === undefined ? "delete" : "update";
    return replaces.has(key) ? asReplacement(kind) : kind;
  };
  return { detailedDiff: Object.fromEntries(changed.map((key) => [key, kindOf(key)])) };
}

const identifier = "clusterIdentifier";
const locationKeys = new Set(["kubeconfig", "context", "cluster"]);

function replacing(
  olds: PropertyMap,
  news: PropertyMap,
  changed: readonly string[],
  environment: Environment,
): ReadonlySet<string> {
  const [before, now] = [olds[identifier], news[identifier]];
  if (now !== undefined && before === now) return new Set();
  const identified = before !== undefined && now !== undefined ? [identifier] : [];
  const moved = changed.filter((key) => locationKeys.has(key));
  if (moved.length === 0) return new Set(identified);
  const computed = moved.filter((key) => hasUnknown(news[key]));
  if (computed.length > 0) return new Set([...identified, ...computed]);
  const [oldCluster, newCluster] = [clusterOf(olds, environment), clusterOf(news, environment)];
  const another = oldCluster !== undefined && newCluster !== undefined && !isDeepStrictEqual(oldCluster, newCluster);
  return new Set(another ? [...identified, ...moved] : identified);
}

function clusterOf(inputs: PropertyMap, environment: Environment): PropertyMap | undefined {
  try {
    const kubeconfig = loadKubeconfig({ kubeconfig: inputs["kubeconfig"], environment });
    return activeCluster(kubeconfig, { context: stringAt(inputs, "context"), cluster: stringAt(inputs, "cluster") });
  } catch {
    // A kubeconfig that cannot be read any more, or yet, says nothing about the cluster.
    return undefined;
  }
}

function opened(inputs: PropertyMap): PropertyMap {
  const value = reveal(inputs);
  return isMap(value) ? value : {};
}
