import { ResourceInitError } from "../resource-provider.ts";
import type { ReadRequest, ReadResult } from "../resource-provider.ts";
import { checkReady } from "./await/readiness.ts";
import { readCheckpoint, toObject, toProperties, writeCheckpoint } from "./checkpoint.ts";
import type { Cluster, Session } from "./cluster.ts";
import { objectPath } from "./discovery.ts";
import { importedInputs, liveInputs } from "./drift.ts";
import { isNotFound, NoSuchKindError, UnreachableError } from "../../../kubernetes/errors.ts";
import { fieldManagerOf } from "./field-manager.ts";
import { kindOf } from "../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { normalize } from "./normalize.ts";
import { kindOfToken } from "./type-token.ts";

/** The object as it is in the cluster, for a refresh, an import or a `get`. */
export async function read(session: Session, request: ReadRequest): Promise<ReadResult> {
  let cluster: Cluster;
  try {
    cluster = await session.reach();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    if (session.settings.deleteUnreachable) return undefined;
    if (session.settings.skipUpdateUnreachable)
      return { id: request.id, outputs: request.state, inputs: request.inputs };
    throw new Error(
      `${error.message} If the cluster is gone for good, PULUMI_K8S_DELETE_UNREACHABLE=true removes its resources from the state.`,
      { cause: error },
    );
  }
  const old = readCheckpoint(request.state);
  const oldInputs = normalize(toObject(request.inputs));
  const known = [oldInputs, old.live].map(kindOf).find(({ apiVersion, kind }) => apiVersion !== "" && kind !== "");
  const live = await find(cluster, request, known ?? kindOfToken(request.type));
  if (live === undefined) return undefined;
  const isImport = known === undefined;
  const inputs = isImport ? importedInputs(live) : normalize(liveInputs(oldInputs, old.live, live));
  const checkpoint = {
    live,
    inputs,
    initialApiVersion: old.initialApiVersion ?? kindOf(inputs).apiVersion,
    fieldManager: fieldManagerOf(inputs, old.fieldManager),
  };
  const result = {
    id: request.id,
    outputs: writeCheckpoint(checkpoint, request.inputs),
    inputs: toProperties(inputs, request.inputs),
  };
  const reasons = isImport ? [] : await checkReady(cluster, inputs, live);
  if (reasons.length > 0) throw new ResourceInitError(reasons.join("\n"), { ...result, reasons });
  return result;
}

async function find(
  cluster: Cluster,
  { id }: ReadRequest,
  kind: { apiVersion: string; kind: string },
): Promise<KubernetesObject | undefined> {
  const [first = "", second] = id.split("/", 2);
  const metadata = second === undefined ? { name: first } : { namespace: first, name: second };
  if (metadata.name === "")
    throw new Error(
      `"${id}" is no id of a Kubernetes object: expected \`namespace/name\`, or \`name\` for what is not in a namespace.`,
    );
  try {
    const resource = await cluster.discovery.resource(kind);
    return await cluster.client.request("GET", objectPath(resource, { ...kind, metadata }));
  } catch (error) {
    // Without its definition, an object of a custom kind is gone too.
    if (isNotFound(error) || error instanceof NoSuchKindError) return undefined;
    throw error;
  }
}
