import { setTimeout as sleep } from "node:timers/promises";
import { hasUnknown, isMap, isSecret, unknown } from "../property.ts";
import type { PropertyMap } from "../property.ts";
import { ResourceInitError, valueAt } from "../resource-provider.ts";
import type { CreateRequest, CreateResult } from "../resource-provider.ts";
import { awaitReady, isAwaited } from "./await/readiness.ts";
import { readCheckpoint, toObject, writeCheckpoint } from "./checkpoint.ts";
import { reachable } from "./cluster.ts";
import type { Cluster, Session } from "./cluster.ts";
import { collectionPath, objectPath, resourceOf } from "./discovery.ts";
import { ApiError, isNamespaceNotFound, isNotFound, NoSuchKindError } from "./errors.ts";
import { conflictMessage, creator, fieldManagerOf } from "./field-manager.ts";
import { annotationOf, describe, idOf, kindOf, namespaceOf, withValue } from "./object.ts";
import type { KubernetesObject } from "./object.ts";

export async function create(session: Session, request: CreateRequest): Promise<CreateResult> {
  return request.preview ? await previewCreate(session, request) : await reallyCreate(session, request);
}

async function reallyCreate(session: Session, { urn, inputs, timeoutSeconds }: CreateRequest): Promise<CreateResult> {
  const cluster = await session.reach();
  const object = toObject(inputs);
  const fieldManager = fieldManagerOf(object, readCheckpoint(inputs).fieldManager);
  const created = await patiently(session, () => send(session, cluster, object, fieldManager, false));
  const checkpoint = { inputs: object, initialApiVersion: kindOf(object).apiVersion, fieldManager };
  let reasons: string[];
  try {
    const report = (message: string): void => session.log.status(urn, message);
    reasons = await awaitReady(cluster, { inputs: object, object: created, timeoutSeconds, cancelled: session.cancelled, report });
  } catch (error) {
    // The object exists: whatever happens now, the state must know it.
    reasons = [error instanceof Error ? error.message : String(error)];
  }
  const live = await latest(cluster, created);
  const outputs = writeCheckpoint({ ...checkpoint, live }, inputs);
  if (reasons.length === 0) {
    cluster.discovery.forget(live);
    return { id: idOf(live), outputs };
  }
  throw new ResourceInitError(`${describe(live)} was created, but is not ready: ${reasons.join("\n")}`, { id: idOf(live), outputs, inputs, reasons });
}

/** The object as it is now, or as it was where it cannot be read. */
export async function latest(cluster: Cluster, object: KubernetesObject): Promise<KubernetesObject> {
  try {
    return await cluster.client.request("GET", objectPath(await resourceOf(cluster.discovery, object), object));
  } catch {
    return object;
  }
}

async function previewCreate(session: Session, { inputs }: CreateRequest): Promise<CreateResult> {
  const asGiven: CreateResult = { id: "", outputs: withUnsettled(inputs) };
  if (hasUnknown(inputs)) return asGiven;
  const cluster = await reachable(session);
  if (cluster === undefined) return asGiven;
  const object = toObject(inputs);
  const fieldManager = fieldManagerOf(object, readCheckpoint(inputs).fieldManager);
  try {
    const live = withUnsettled(await send(session, cluster, object, fieldManager, true));
    const checkpoint = { live, inputs: object, initialApiVersion: kindOf(object).apiVersion, fieldManager };
    return { id: "", outputs: writeCheckpoint(checkpoint, inputs) };
  } catch (error) {
    // Its kind or namespace may come in the same update; it may replace what exists; a dry run may be more than it may do.
    if (error instanceof NoSuchKindError || isNotFound(error)) return asGiven;
    if (error instanceof ApiError && (error.reason === "AlreadyExists" || error.status === 403)) return asGiven;
    if (error instanceof ApiError && error.status === 400 && error.message.includes("does not support dry run")) return asGiven;
    throw error;
  }
}

const settledByServer = [
  ["metadata", "uid"],
  ["metadata", "resourceVersion"],
  ["metadata", "creationTimestamp"],
];
const settledForService = [
  ["spec", "clusterIP"],
  ["spec", "clusterIPs"],
];

/** At preview, what only a real create settles is not known: a dry run's answer would be another one. */
function withUnsettled(object: PropertyMap): PropertyMap {
  const isService = kindOf(object).kind === "Service";
  const paths = [...settledByServer, ...(isService ? settledForService : []), ...(object["status"] !== undefined || isAwaited(object) ? [["status"]] : [])];
  return paths
    .filter(([first = "", ...rest]) => rest.length === 0 || (isMap(object[first]) && !isSecret(object[first])))
    .filter((path) => path[0] !== "spec" || valueAt(object, ...path) !== "None")
    .reduce((settled, path) => withValue(settled, path, unknown), object);
}

async function send(session: Session, cluster: Cluster, object: KubernetesObject, fieldManager: string, dryRun: boolean): Promise<KubernetesObject> {
  const resource = await resourceOf(cluster.discovery, object);
  const body = resource.namespaced ? object : withValue(object, ["metadata", "namespace"], undefined);
  const query = { dryRun: dryRun ? "All" : undefined };
  if (session.settings.upsert) {
    const force = dryRun || session.settings.patchForce || annotationOf(object, "pulumi.com/patchForce") === "true";
    try {
      return await cluster.client.request("PATCH", objectPath(resource, object), {
        body,
        contentType: "application/apply-patch+yaml",
        query: { ...query, fieldManager, force: String(force) },
      });
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) throw new Error(conflictMessage(object, error), { cause: error });
      throw error;
    }
  }
  return await cluster.client.request("POST", collectionPath(resource, namespaceOf(object)), { body, query: { ...query, fieldManager: creator } });
}

const patience = [250, 500, 1000, 2000, 4000, 8000];

/** Repeats while the object's namespace or kind is about to come; what the API server refuses for good is told as it says it. */
async function patiently(session: Session, attempt: () => Promise<KubernetesObject>): Promise<KubernetesObject> {
  for (const wait of [...patience, undefined]) {
    try {
      return await attempt();
    } catch (error) {
      const mayCome = error instanceof NoSuchKindError || isNamespaceNotFound(error) || isNotFound(error);
      if (!mayCome || wait === undefined) throw explained(error);
      await sleep(wait, undefined, { signal: session.cancelled });
    }
  }
  throw new Error("unreachable");
}

function explained(error: unknown): unknown {
  if (isNamespaceNotFound(error) && error instanceof Error) {
    return new Error(`${error.message}: declare the Namespace in the program and depend on it, or correct metadata.namespace.`, { cause: error });
  }
  if (!(error instanceof ApiError) || error.reason !== "AlreadyExists") return error;
  return new Error(
    `${error.message}: an object of that name is in the cluster, but not in this stack. Either adopt it (the resource option \`import\`, or \`upsertExistingObjects\` ` +
      "on the provider), or delete it, or choose another metadata.name. A resource that was renamed in the program needs an alias instead.",
    { cause: error },
  );
}
