import { setTimeout as sleep } from "node:timers/promises";
import { ResourceInitError } from "../resource-provider.ts";
import type { CreateRequest, CreateResult } from "../resource-provider.ts";
import { latest, send } from "./apply.ts";
import { awaitReady } from "./await/readiness.ts";
import { readCheckpoint, toObject, writeCheckpoint } from "./checkpoint.ts";
import type { Session } from "./cluster.ts";
import { ApiError, isNamespaceNotFound, isNotFound, NoSuchKindError } from "../../../kubernetes/errors.ts";
import { fieldManagerOf } from "./field-manager.ts";
import { describe, idOf, kindOf } from "../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { previewCreate } from "./preview-create.ts";

export async function create(session: Session, request: CreateRequest): Promise<CreateResult> {
  return request.preview ? await previewCreate(session, request) : await reallyCreate(session, request);
}

async function reallyCreate(session: Session, { urn, inputs, timeoutSeconds }: CreateRequest): Promise<CreateResult> {
  const cluster = await session.reach();
  const object = toObject(inputs);
  const fieldManager = fieldManagerOf(object, readCheckpoint(inputs).fieldManager);
  const created = await patiently(session, () => send(session, cluster, object, { fieldManager, dryRun: false }));
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
    // The object exists: whatever happens now, the state must know it.
    reasons = [error instanceof Error ? error.message : String(error)];
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
