import { hasUnknown, unknown } from "../property.ts";
import { valueAt } from "../../../kubernetes/json.ts";
import type { DiffRequest, DiffResult } from "../resource-provider.ts";
import { isNamespaced } from "./check.ts";
import { readCheckpoint, toObject } from "./checkpoint.ts";
import { reachable } from "./cluster.ts";
import type { Session } from "./cluster.ts";
import { asReplacement, differences, withoutIgnored } from "./diff.ts";
import type { Difference } from "./diff.ts";
import { objectPath, resourceOf } from "./discovery.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import { forceNewPaths, touches } from "./force-new.ts";
import {
  annotationOf,
  isCustomResourceDefinition,
  nameOf,
  namespaceOf,
  stringAt,
  withValue,
} from "../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { normalize } from "./normalize.ts";
import { formatPath, isWithin, parsePath } from "./property-path.ts";
import type { PropertyPath } from "./property-path.ts";

/**
 * What an update would change, and whether it can be done in place.
 *
 * Compared are the inputs of the last update, as a refresh corrects them, with the new ones; so defaults of the API server
 * are never a difference. Whether a field can change at all is known for some, for others the API server is asked by a dry run.
 */
export async function diff(session: Session, request: DiffRequest): Promise<DiffResult> {
  const { live, inputs } = readCheckpoint(request.olds);
  // After an update that failed half-way the engine keeps the inputs of the one before: what was applied says the checkpoint.
  const recorded = Object.keys(inputs).length > 0 ? inputs : toObject(request.oldInputs);
  const news = await placed(session, normalize(toObject(request.news)));
  const olds = await placed(session, normalize(recorded));
  const found = withoutIgnored(differences(named(olds, live, news), news), request.ignoreChanges.map(parsePath));
  if (found.length === 0) return { detailedDiff: {} };
  const known = forceNewPaths(news, session.settings.mutability);
  const forced = found.some((difference) => touches(difference.path, difference.value, known))
    ? known
    : [...known, ...(await immutable(session, news, live))];
  const detailedDiff = Object.fromEntries(
    found.map((difference) => [formatPath(difference.path), kindOf(difference, forced)]),
  );
  const replaces = Object.values(detailedDiff).some((kind) => kind.endsWith("-replace"));
  return { detailedDiff, deleteBeforeReplace: replaces && keepsName(news, live) };
}

function kindOf(difference: Difference, forced: readonly PropertyPath[]) {
  return touches(difference.path, difference.value, forced) ? asReplacement(difference.kind) : difference.kind;
}

/** In the namespace that an unset one stands for; in none where the kind has none. */
async function placed(session: Session, object: KubernetesObject): Promise<KubernetesObject> {
  if (object["metadata"] === unknown) return object;
  const namespace = (await isNamespaced(session, object)) ? namespaceOf(object) || "default" : undefined;
  return withValue(object, ["metadata", "namespace"], namespace);
}

/** A program may set the very name that was generated before. */
function named(olds: KubernetesObject, live: KubernetesObject, news: KubernetesObject): KubernetesObject {
  const metadata = valueAt(news, "metadata", "name") === undefined ? undefined : nameOf(live);
  return metadata ? withValue(olds, ["metadata", "name"], metadata) : olds;
}

/** A replacement of the same fixed name can only come when the old object is gone. */
function keepsName(news: KubernetesObject, live: KubernetesObject): boolean {
  return (
    nameOf(news) !== "" &&
    annotationOf(news, "pulumi.com/autonamed") !== "true" &&
    nameOf(news) === nameOf(live) &&
    (namespaceOf(news) || "default") === (namespaceOf(live) || "default")
  );
}

/** The fields that the API server calls immutable when the new inputs are applied to try. */
async function immutable(session: Session, news: KubernetesObject, live: KubernetesObject): Promise<PropertyPath[]> {
  if (hasUnknown(news) || isCustomResourceDefinition(news)) return [];
  const cluster = await reachable(session);
  if (cluster === undefined) return [];
  try {
    const resource = await resourceOf(cluster.discovery, news);
    const path = objectPath(resource, withValue(news, ["metadata", "name"], stringAt(live, "metadata", "name")));
    const body = resource.namespaced ? news : withValue(news, ["metadata", "namespace"], undefined);
    const query = { dryRun: "All", force: "true", fieldManager: "pulumi-kubernetes-diff" };
    await cluster.client.request("PATCH", path, { body, query, contentType: "application/apply-patch+yaml" });
    return [];
  } catch (error) {
    // Any other refusal comes again at the update itself, where it is told.
    if (!(error instanceof ApiError) || error.status !== 422) return [];
    const fields = error.causes
      .filter(({ message }) => /field is immutable|may not be changed in an update/.test(message))
      .map(({ field }) => readable(field));
    return fields.filter((field) => field.length > 0 && !isWithin(["metadata", "name"], field));
  }
}

function readable(field: string): PropertyPath {
  try {
    return parsePath(field);
  } catch {
    return [];
  }
}
