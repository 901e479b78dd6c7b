import { isDeepStrictEqual } from "node:util";
import { isNotFound, NoSuchKindError, UnreachableError } from "../../../kubernetes/errors.ts";
import { isMap } from "../../../kubernetes/json.ts";
import { kindOf, withValue, type KubernetesObject } from "../../../kubernetes/object.ts";
import type { PropertyMap, PropertyValue } from "../property.ts";
import { ResourceInitError, type ReadRequest, type ReadResult } from "../resource-provider.ts";
import { normalize } from "./check.ts";
import { readCheckpoint, toObject, toProperties, writeCheckpoint } from "./checkpoint.ts";
import { kindOfToken, objectPath } from "./discovery.ts";
import { checkReady } from "./readiness.ts";
import { fieldManagerOf } from "./server-side-apply.ts";
import { explainUnreachable, type Cluster, type Session } from "./session.ts";

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
    throw explainUnreachable(error);
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

/**
 * The inputs that would have led to the live object: each input that changed in the cluster since the state was written
 * takes its live value, each other one stays as the program wrote it. So a default or another spelling of the API server
 * is no drift, and fields that the program never set are ignored.
 */
export function liveInputs(inputs: PropertyMap, recorded: PropertyMap, live: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([key, input]) => {
      const value = liveInput(input, recorded[key], live[key]);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function liveInput(
  input: PropertyValue,
  recorded: PropertyValue | undefined,
  live: PropertyValue | undefined,
): PropertyValue | undefined {
  if (isDeepStrictEqual(recorded, live)) return input;
  if (live === undefined) return undefined;
  if (isMap(input) && isMap(live)) return liveInputs(input, isMap(recorded) ? recorded : {}, live);
  if (!Array.isArray(input) || !Array.isArray(live)) return live;
  const before = Array.isArray(recorded) ? recorded : [];
  return input.flatMap((item, index) => {
    const value = liveInput(item, before[index], live[index]);
    return value === undefined ? [] : [value];
  });
}

const noise: readonly (readonly string[])[] = [
  ...["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink"].map((key) => [
    "metadata",
    key,
  ]),
  ["metadata", "annotations", "deployment.kubernetes.io/revision"],
  ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"],
  ["status"],
];

/** The inputs of an imported object: all of it except for what only the server sets. */
export function importedInputs(live: KubernetesObject): KubernetesObject {
  return noise.reduce<KubernetesObject>((object, path) => withValue(object, path, undefined), live);
}
