import { activeCluster } from "../../../kubernetes/connection.ts";
import { isMap } from "../../../kubernetes/json.ts";
import { loadKubeconfig } from "../../../kubernetes/kubeconfig.ts";
import { stringAt } from "../../../kubernetes/object.ts";
import { hasUnknown, reveal, unknown, type PropertyMap, type PropertyValue } from "../property.ts";
import type { CheckFailure, CheckResult, DiffKind, DiffRequest, DiffResult } from "../resource-provider.ts";
import type { Settings } from "./cluster.ts";
import { differences, sameValue } from "./diff.ts";

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
  return {
    detailedDiff: Object.fromEntries(changed.map((key) => [key, kindOf(olds[key], news[key], replaces.has(key))])),
  };
}

function kindOf(old: PropertyValue | undefined, value: PropertyValue | undefined, replaces: boolean): DiffKind {
  const kind = old === undefined ? "add" : value === undefined ? "delete" : "update";
  return replaces ? `${kind}-replace` : kind;
}

const identifier = "clusterIdentifier";
const location = new Set(["kubeconfig", "context", "cluster"]);

function replacing(
  olds: PropertyMap,
  news: PropertyMap,
  changed: readonly string[],
  environment: Environment,
): ReadonlySet<string> {
  const [before, now] = [olds[identifier], news[identifier]];
  if (now !== undefined && before === now) return new Set();
  const identified = before !== undefined && now !== undefined ? [identifier] : [];
  const moved = changed.filter((key) => location.has(key));
  if (moved.length === 0) return new Set(identified);
  const computed = moved.filter((key) => hasUnknown(news[key]));
  if (computed.length > 0) return new Set([...identified, ...computed]);
  const [oldCluster, newCluster] = [clusterOf(olds, environment), clusterOf(news, environment)];
  const another = oldCluster !== undefined && newCluster !== undefined && !sameValue(oldCluster, newCluster);
  return new Set(another ? [...identified, ...moved] : identified);
}

function clusterOf(inputs: PropertyMap, environment: Environment): PropertyMap | undefined {
  try {
    const kubeconfig = loadKubeconfig({ kubeconfig: inputs["kubeconfig"], environment });
    return activeCluster(kubeconfig, { context: stringAt(inputs, "context"), cluster: stringAt(inputs, "cluster") });
  } catch {
    // A kubeconfig that is no more, or not yet, says nothing about the cluster.
    return undefined;
  }
}

function opened(inputs: PropertyMap): PropertyMap {
  const value = reveal(inputs);
  return isMap(value) ? value : {};
}
