import { errorMessage } from "../../../core/error.ts";
import { retry } from "../../../core/retry.ts";
import { ApiError, isNamespaceNotFound, isNotFound, NoSuchKindError } from "../../../kubernetes/errors.ts";
import { isMap, valueAt } from "../../../kubernetes/json.ts";
import { describe, idOf, kindOf, withValue, type KubernetesObject } from "../../../kubernetes/object.ts";
import { hasUnknown, isSecret, unknown, type PropertyMap } from "../property.ts";
import { ResourceInitError, type CreateRequest, type CreateResult } from "../resource-provider.ts";
import { readCheckpoint, toObject, writeCheckpoint } from "./checkpoint.ts";
import { awaitReady, isAwaited } from "./readiness.ts";
import { fieldManagerOf, latest, send } from "./server-side-apply.ts";
import { reachable, type Session } from "./session.ts";

export async function create(session: Session, request: CreateRequest): Promise<CreateResult> {
  return request.preview ? await previewCreate(session, request) : await reallyCreate(session, request);
}

async function reallyCreate(session: Session, { urn, inputs, timeoutSeconds }: CreateRequest): Promise<CreateResult> {
  const cluster = await session.reach();
  const object = toObject(inputs);
  const fieldManager = fieldManagerOf(object, readCheckpoint(inputs).fieldManager);
  const created = await withRetry(session, () => send(session, cluster, object, { fieldManager, dryRun: false }));
  const checkpoint = { inputs: object, initialApiVersion: kindOf(object).apiVersion, fieldManager };
  let reasons: string[];
  try {
    const report = (message: string): void => session.log.status(urn, message);
    reasons = await awaitReady(cluster, {
      inputs: object,
      object: created,
      timeoutSeconds,
      cancelled: session.cancelled,
      report,
    });
  } catch (error) {
    // The object exists, so it must get into the state whatever happens now.
    reasons = [errorMessage(error)];
  }
  const live = await latest(cluster, created);
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
