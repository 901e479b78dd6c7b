import { errorMessage } from "../../../core/error.ts";
import { ApiError, isNotFound, NoSuchKindError } from "../../../kubernetes/errors.ts";
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
import { hasUnknown, type PropertyMap } from "../property.ts";
import { ResourceInitError, type UpdateRequest } from "../resource-provider.ts";
import { normalize } from "./check.ts";
import { readCheckpoint, toObject, writeCheckpoint } from "./checkpoint.ts";
import { objectPath, resourceOf } from "./discovery.ts";
import { awaitReady } from "./readiness.ts";
import { apply, fieldManagerOf, latest, takeOver, withIgnoredFields } from "./server-side-apply.ts";
import { reachable, type Cluster, type Session } from "./session.ts";

export async function update(session: Session, request: UpdateRequest): Promise<PropertyMap> {
  if (request.preview) {
    const cluster = hasUnknown(request.news) ? undefined : await reachable(session);
    return cluster === undefined ? request.news : await previewUpdate(session, cluster, request);
  }
  const cluster = await session.reach();
  const { live, checkpoint } = await updated(session, cluster, request, false);
  const { inputs } = checkpoint;
  let reasons: string[];
  try {
    const report = (message: string): void => session.log.status(request.urn, message);
    reasons = await awaitReady(cluster, {
      inputs,
      object: live,
      timeoutSeconds: request.timeoutSeconds,
      cancelled: session.cancelled,
      report,
    });
  } catch (error) {
    reasons = [errorMessage(error)];
  }
  const object = await latest(cluster, live);
  const outputs = writeCheckpoint({ ...checkpoint, live: object }, request.news);
  cluster.discovery.forget(object);
  if (reasons.length === 0) return outputs;
  throw new ResourceInitError(`${describe(object)} was updated, but is not ready: ${reasons.join("\n")}`, {
    id: request.id || idOf(object),
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
