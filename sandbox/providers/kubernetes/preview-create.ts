import { ApiError, isNotFound, NoSuchKindError } from "../../../kubernetes/errors.ts";
import { isMap, valueAt } from "../../../kubernetes/json.ts";
import { kindOf, withValue } from "../../../kubernetes/object.ts";
import { hasUnknown, isSecret, unknown, type PropertyMap } from "../property.ts";
import type { CreateRequest, CreateResult } from "../resource-provider.ts";
import { send } from "./apply.ts";
import { isAwaited } from "./await/readiness.ts";
import { readCheckpoint, toObject, writeCheckpoint } from "./checkpoint.ts";
import { reachable, type Session } from "./cluster.ts";
import { fieldManagerOf } from "./field-manager.ts";

/** What a create would make: the answer of a dry run where there can be one, else the inputs. */
export async function previewCreate(session: Session, { inputs }: CreateRequest): Promise<CreateResult> {
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
    // Its kind or namespace may come in the same update; it may replace what exists; a dry run may be more than it may do.
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

/** At preview, what only a real create settles is not known: a dry run's answer would be another one. */
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
