import { isMap, type JsonMap, type JsonValue } from "../../kubernetes/json.ts";
import { listAt, mapAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import type { Finding } from "./report.ts";

/**
 * Who declares the objects. A field that one of them owns, too, is as declared: whoever else changes it takes it from them.
 * Argo CD applies as `argocd-controller`, and without server-side apply it wrote by the name of its process.
 */
const declaring =
  /^(argocd-controller|argocd-application-controller|pulumi-kubernetes(\.exe|-.*)?|pulumi-resource-kubernetes)$/;

/**
 * Parts of a cluster that write into objects that others declare: autoscalers, the scheduler, providers of load balancers. K3s
 * and MicroK8s have the controller manager in one binary with the rest, and so under its name.
 */
const controllers = new Set([
  "kube-controller-manager",
  "k3s",
  "kubelite",
  "openshift-controller-manager",
  "kube-apiserver",
  "kube-scheduler",
  "kubelet",
  "cloud-controller-manager",
  "cluster-autoscaler",
  "vpa-updater",
  "keda",
  "keda-operator",
  // Argo Rollouts, in Services, to which pods they lead; and its plugin, in routes, how many requests they send where.
  "rollouts-controller",
  "gatewayAPI",
  "glbc",
  "kubernetes-replicator",
  "replicator",
]);

/**
 * Fields that are no part of what is wanted, whoever writes them: the status, what keeps an object from being deleted, what
 * `kubectl rollout restart` notes, and what `kubectl apply` does.
 */
const undeclared =
  /^(?:(?:status|metadata\.finalizers)(?![^.[])|(?:spec\.template\.)?metadata\.annotations\["kubectl\.kubernetes\.io\/(?:restartedAt|last-applied-configuration)"\]$)/;

const shownFields = 5;

/**
 * What others than the declaring writers and the cluster's own controllers have set in an object, by manager. Argo CD compares
 * only what is in Git, so that it calls an object Synced to which somebody has added a field.
 * Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function foreignManagerFindings(what: string, object: KubernetesObject): Finding[] {
  const all = listAt(object, "metadata", "managedFields").map((entry) => ({
    manager: stringAt(entry, "manager") ?? "",
    subresource: stringAt(entry, "subresource"),
    fields: mapAt(entry, "fieldsV1"),
  }));
  const entries = all.filter(({ subresource }) => subresource !== "status");
  // Whoever reports an object's status is its controller, by whatever name it runs on this cluster.
  const reporting = new Set(all.filter(({ subresource }) => subresource === "status").map(({ manager }) => manager));
  const isController = (manager: string): boolean =>
    controllers.has(manager) || (reporting.has(manager) && !manager.startsWith("kubectl"));
  const declared = new Set(
    entries.filter(({ manager }) => declaring.test(manager)).flatMap(({ fields }) => leavesOf(fields)),
  );
  const foreign = new Map<string, Set<string>>();
  for (const { manager, fields } of entries) {
    if (declaring.test(manager) || isController(manager)) continue;
    const own = foreign.get(manager) ?? new Set();
    for (const field of addedFields(fields, "", declared)) if (!undeclared.test(field)) own.add(field);
    if (own.size > 0) foreign.set(manager, own);
  }
  return [...foreign].map(([manager, fields]) => ({
    what,
    change: `has ${fieldNames([...fields])} from ${manager === "" ? "a writer without a name" : manager}, neither from Argo CD nor from the stack`,
  }));
}

function fieldNames(fields: readonly string[]): string {
  const rest = fields.length - shownFields;
  return `${fields.slice(0, shownFields).join(", ")}${rest > 0 ? ` and ${rest} more fields` : ""}`;
}

/** The paths of all that a set of fields owns; an element or map of its own is one, too. */
function leavesOf(fields: JsonMap, path = ""): string[] {
  return Object.entries(fields).flatMap(([key, value]) => {
    if (key === ".") return [path];
    const at = joined(path, key);
    return isLeaf(value) ? [at] : leavesOf(value, at);
  });
}

/** The paths that are not declared. An element that somebody has added as a whole is named, and not each of its fields. */
function addedFields(fields: JsonMap, path: string, declared: ReadonlySet<string>): string[] {
  return Object.entries(fields).flatMap(([key, value]) => {
    if (key === ".") return [];
    const at = joined(path, key);
    if (isLeaf(value)) return declared.has(at) ? [] : [at];
    if (key.startsWith("k:") && Object.hasOwn(value, ".") && !declared.has(at)) return [at];
    const inner = addedFields(value, at, declared);
    // A map or list that is there, and empty.
    if (inner.length === 0 && Object.keys(value).every((one) => one === ".")) return declared.has(at) ? [] : [at];
    return inner;
  });
}

function isLeaf(value: JsonValue): value is Exclude<JsonValue, JsonMap> | Record<string, never> {
  return !isMap(value) || Object.keys(value).length === 0;
}

/** `f:name` is a field, `k:{…}` an element of a list by its keys, `v:…` by its value, `i:…` by its index. */
function joined(path: string, key: string): string {
  const [kind, rest] = [key.slice(0, 2), key.slice(2)];
  if (kind === "k:") return `${path}[${keysOf(rest)}]`;
  if (kind === "v:" || kind === "i:") return `${path}[${rest}]`;
  const name = kind === "f:" ? rest : key;
  if (!/^[A-Za-z0-9_-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}

/** A single key needs no name: `containers[link]`. */
function keysOf(text: string): string {
  const keys = parsed(text);
  if (!isMap(keys)) return text;
  const entries = Object.entries(keys).map(([name, value]): [string, string] => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const [only] = entries;
  return entries.length === 1 && only !== undefined
    ? only[1]
    : entries.map(([name, value]) => `${name}=${value}`).join(",");
}

function parsed(text: string): JsonValue | undefined {
  try {
    // What JSON.parse() returns is a JsonValue.
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
