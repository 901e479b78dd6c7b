import { errorMessage } from "../../../core/error.ts";
import { retry } from "../../../core/retry.ts";
import { ApiError, isNamespaceNotFound, isNotFound, NoSuchKindError } from "../../../kubernetes/errors.ts";
import { isMap, valueAt } from "../../../kubernetes/json.ts";
import {
  annotationOf,
  describe,
  idOf,
  isCustomResourceDefinition,
  kindOf,
  listAt,
  nameOf,
  namespaceOf,
  stringAt,
  withValue,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import { hasUnknown, isSecret, unknown, type PropertyMap } from "../property.ts";
import { ResourceInitError, type CreateRequest, type CreateResult, type UpdateRequest } from "../resource-provider.ts";
import { normalize } from "./check.ts";
import { readCheckpoint, toObject, writeCheckpoint } from "./checkpoint.ts";
import { objectPath, resourceOf } from "./discovery.ts";
import { awaitReady, isAwaited } from "./readiness.ts";
import { apply, fieldManagerOf, latest, send, takeOver, withIgnoredFields } from "./server-side-apply.ts";
import { reachable, type Cluster, type Session } from "./session.ts";

/** Creates the object and waits until it is ready; at preview, shows what it would be. */
export async function create(session: Session, request: CreateRequest): Promise<CreateResult> {
  return request.preview ? await previewCreate(session, request) : await reallyCreate(session, request);
}

async function reallyCreate(session: Session, { urn, inputs, timeoutSeconds }: CreateRequest): Promise<CreateResult> {
  const cluster = await session.reach();
  const object = toObject(inputs);
  const fieldManager = fieldManagerOf(object, readCheckpoint(inputs).fieldManager);
  const created = await withRetry(session, () => send(session, cluster, object, { fieldManager, dryRun: false }));
  const checkpoint = { inputs: object, initialApiVersion: kindOf(object).apiVersion, fieldManager };
  const { live, reasons } = await awaitApplied(session, cluster, {
    urn,
    inputs: object,
    object: created,
    timeoutSeconds,
  });
  const outputs = writeCheckpoint({ ...checkpoint, live }, inputs);
  if (reasons.length === 0) {
    cluster.discovery.forget(live);
    return { id: idOf(live), outputs };
  }
  throw new ResourceInitError(`${describe(live)} was created, but is not ready: ${reasons.join("\n")}`, {
    id: idOf(live),
    outputs,
    inputs,
    reasons,
  });
}

/** An object as it was applied, and the resource it is for. */
interface AppliedObject {
  urn: string;
  inputs: KubernetesObject;
  /** As the API server returned it. */
  object: KubernetesObject;
  timeoutSeconds: number;
}

/**
 * Waits until an object is ready. The object exists, so it must get into the state whatever happens now: nothing is thrown.
 * @returns the object as it is then, and why it is not ready; empty when it is
 */
async function awaitApplied(
  session: Session,
  cluster: Cluster,
  { urn, ...awaited }: AppliedObject,
): Promise<{ live: KubernetesObject; reasons: string[] }> {
  const report = (message: string): void => session.log.status(urn, message);
  const reasons = await awaitReady(cluster, { ...awaited, cancelled: session.cancelled, report }).catch(
    (error: unknown) => [errorMessage(error)],
  );
  return { live: await latest(cluster, awaited.object), reasons };
}

/** Milliseconds between the attempts at a create. */
const pauses = [250, 500, 1000, 2000, 4000, 8000];

/** Repeats a create as long as the object's namespace or kind may still be created by another resource. */
async function withRetry(session: Session, attempt: () => Promise<KubernetesObject>): Promise<KubernetesObject> {
  const isTransient = (error: unknown): boolean =>
    error instanceof NoSuchKindError || isNamespaceNotFound(error) || isNotFound(error);
  try {
    return await retry(attempt, { pauses, isTransient, signal: session.cancelled });
  } catch (error) {
    throw explainCreateError(error);
  }
}

function explainCreateError(error: unknown): unknown {
  if (isNamespaceNotFound(error) && error instanceof Error) {
    return new Error(
      `${error.message}: declare the Namespace in the program and depend on it, or correct metadata.namespace.`,
      { cause: error },
    );
  }
  if (!(error instanceof ApiError) || error.reason !== "AlreadyExists") return error;
  return new Error(
    `${error.message}: an object of that name is in the cluster, but not in this stack. Either adopt it (the resource option \`import\`, or \`upsertExistingObjects\` ` +
      "on the provider), or delete it, or choose another metadata.name. A resource that was renamed in the program needs an alias instead.",
    { cause: error },
  );
}

/** What a create would make: the answer of a dry run where there can be one, else the inputs. */
async function previewCreate(session: Session, { inputs }: CreateRequest): Promise<CreateResult> {
  const asGiven: CreateResult = { id: "", outputs: withUnsettled(inputs, inputs) };
  if (hasUnknown(inputs)) return asGiven;
  const cluster = await reachable(session);
  if (cluster === undefined) return asGiven;
  const object = toObject(inputs);
  const fieldManager = fieldManagerOf(object, readCheckpoint(inputs).fieldManager);
  try {
    const live = withUnsettled(await send(session, cluster, object, { fieldManager, dryRun: true }), object);
    const checkpoint = { live, inputs: object, initialApiVersion: kindOf(object).apiVersion, fieldManager };
    return { id: "", outputs: writeCheckpoint(checkpoint, inputs) };
  } catch (error) {
    // Its kind or namespace may be created in the same update, it may replace an object that exists, and a user who may create
    // may not be permitted a dry run.
    if (error instanceof NoSuchKindError || isNotFound(error)) return asGiven;
    if (error instanceof ApiError && (error.reason === "AlreadyExists" || error.status === 403)) return asGiven;
    if (error instanceof ApiError && error.status === 400 && error.message.includes("does not support dry run"))
      return asGiven;
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

/** At preview, what only a real create settles is unknown: the answer of a dry run has other values. */
function withUnsettled(object: PropertyMap, inputs: PropertyMap): PropertyMap {
  const isService = kindOf(object).kind === "Service";
  const paths = [
    ...settledByServer,
    ...(isService ? settledForService : []),
    ...(object["status"] !== undefined || isAwaited(object) ? [["status"]] : []),
  ];
  return paths
    .filter(([first = "", ...rest]) => rest.length === 0 || (isMap(object[first]) && !isSecret(object[first])))
    .filter((path) => path[0] !== "spec" || valueAt(inputs, ...path) === undefined)
    .reduce((settled, path) => withValue(settled, path, unknown), object);
}

/** Updates the object and waits until it is ready; at preview, shows what it would be. */
export async function update(session: Session, request: UpdateRequest): Promise<PropertyMap> {
  if (request.preview) {
    const cluster = hasUnknown(request.news) ? undefined : await reachable(session);
    return cluster === undefined ? request.news : await previewUpdate(session, cluster, request);
  }
  const cluster = await session.reach();
  const { live: object, checkpoint } = await updated(session, cluster, request, false);
  const { urn, timeoutSeconds } = request;
  const applied = { urn, inputs: checkpoint.inputs, object, timeoutSeconds };
  const { live, reasons } = await awaitApplied(session, cluster, applied);
  const outputs = writeCheckpoint({ ...checkpoint, live }, request.news);
  cluster.discovery.forget(live);
  if (reasons.length === 0) return outputs;
  throw new ResourceInitError(`${describe(live)} was updated, but is not ready: ${reasons.join("\n")}`, {
    id: request.id || idOf(live),
    outputs,
    inputs: request.news,
    reasons,
  });
}

async function previewUpdate(session: Session, cluster: Cluster, request: UpdateRequest): Promise<PropertyMap> {
  try {
    const { live, checkpoint } = await updated(session, cluster, request, true);
    return writeCheckpoint({ ...checkpoint, live }, request.news);
  } catch (error) {
    if (error instanceof NoSuchKindError || (error instanceof ApiError && error.status === 403)) return request.news;
    throw error;
  }
}

async function updated(session: Session, cluster: Cluster, request: UpdateRequest, dryRun: boolean) {
  const old = readCheckpoint(request.olds);
  const inputs = normalize(toObject(request.news));
  const fieldManager = fieldManagerOf(inputs, old.fieldManager);
  const resource = await resourceOf(cluster.discovery, inputs);
  // The name may be unset in inputs of older states; what exists is what the state says.
  const target = withValue(inputs, ["metadata", "name"], nameOf(old.live) || nameOf(inputs));
  const path = objectPath(
    resource,
    withValue(target, ["metadata", "namespace"], namespaceOf(old.live) || namespaceOf(inputs) || session.namespace),
  );
  const current = await existing(cluster, path, target);
  const query = { fieldManager, dryRun: dryRun ? "All" : undefined };
  let live: KubernetesObject;
  if (isCustomResourceDefinition(inputs)) {
    // As a whole: an apply would keep versions and fields that other managers once wrote, and objects of the kind stay.
    const body = withValue(target, ["metadata", "resourceVersion"], stringAt(current, "metadata", "resourceVersion"));
    live = await cluster.client.request("PUT", path, { body, query });
  } else {
    const owned = dryRun ? current : await takeOver(cluster, path, current, fieldManager);
    const desired = withIgnoredFields(target, owned, request.ignoreChanges, fieldManager);
    const body = resource.namespaced ? desired : withValue(desired, ["metadata", "namespace"], undefined);
    live = await apply(cluster, path, body, { ...query, force: String(isForced(session, inputs, current)) });
    if (!dryRun) await relinquish(cluster, path, live, old.fieldManager, fieldManager);
  }
  return {
    live,
    checkpoint: { inputs, initialApiVersion: old.initialApiVersion ?? kindOf(inputs).apiVersion, fieldManager },
  };
}

async function existing(cluster: Cluster, path: string, target: KubernetesObject): Promise<KubernetesObject> {
  try {
    return await cluster.client.request("GET", path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new Error(
      `${describe(target)} is in the state, but not in the cluster any more: run \`pulumi refresh\`, then update again.`,
      { cause: error },
    );
  }
}

/** Whether fields are taken from other managers. An object without any was made before there were managers. */
function isForced(session: Session, inputs: KubernetesObject, live: KubernetesObject): boolean {
  const isAskedFor = session.settings.patchForce || annotationOf(inputs, "pulumi.com/patchForce") === "true";
  return isAskedFor || listAt(live, "metadata", "managedFields").length === 0;
}

/** Gives up the fields of the manager under whose name the resource was applied before. */
async function relinquish(
  cluster: Cluster,
  path: string,
  live: KubernetesObject,
  before: string | undefined,
  now: string,
): Promise<void> {
  if (before === undefined || before === now) return;
  const body = {
    ...kindOf(live),
    metadata: { name: nameOf(live), ...(namespaceOf(live) ? { namespace: namespaceOf(live) } : {}) },
  };
  await cluster.client.request("PATCH", path, {
    body,
    query: { fieldManager: before },
    contentType: "application/apply-patch+yaml",
  });
}
