import { createHash, randomBytes } from "node:crypto";
import { isNotFound, NoSuchKindError } from "../../../kubernetes/errors.ts";
import { isMap } from "../../../kubernetes/json.ts";
import {
  annotationOf,
  isCustomResourceDefinition,
  kindOf,
  mapAt,
  nameOf,
  namespaceOf,
  stringAt,
  withValue,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import { unknown, type PropertyMap } from "../property.ts";
import type { CheckFailure, CheckRequest, CheckResult } from "../resource-provider.ts";
import { checkWaitFor } from "./await/wait-for.ts";
import { toObject, toProperties } from "./checkpoint.ts";
import { reachable, type Session } from "./cluster.ts";
import { normalize } from "./normalize.ts";
import { kindOfToken } from "./type-token.ts";

const autonamed = ["metadata", "annotations", "pulumi.com/autonamed"] as const;

/** The inputs as they are applied: with apiVersion, kind, name and namespace, and in their normal form. */
export async function check(session: Session, request: CheckRequest): Promise<CheckResult> {
  const kind = kindOfToken(request.type);
  const { settings } = session;
  if (
    settings.skipUpdateUnreachable &&
    Object.keys(request.olds).length > 0 &&
    (await reachable(session)) === undefined
  )
    return { inputs: request.olds };
  const given = toObject(request.news);
  const normal = normalize({
    ...given,
    apiVersion: given["apiVersion"] ?? kind.apiVersion,
    kind: given["kind"] ?? kind.kind,
  });
  const named = withName(normal, toObject(request.olds), request);
  const failures = problems(named);
  if (failures.length > 0) return { inputs: request.news, failures };
  const placed = await withNamespace(session, named);
  if (isCustomResourceDefinition(placed)) session.discovery?.announce(placed);
  return { inputs: toProperties(placed, marks(request.news)) };
}

/** `stringData` becomes `data`: what is secret in one is secret in the other. */
function marks(news: PropertyMap): PropertyMap {
  return news["stringData"] === undefined ? news : { ...news, data: news["stringData"] };
}

function withName(
  object: KubernetesObject,
  old: KubernetesObject,
  { name, randomSeed }: CheckRequest,
): KubernetesObject {
  const metadata = object["metadata"];
  // Where metadata is not known yet, nothing can be said of the name.
  if (metadata === unknown || nameOf(object) !== "" || stringAt(object, "metadata", "generateName")) return object;
  const adopted = annotationOf(old, "pulumi.com/autonamed") === "true" ? nameOf(old) : "";
  const chosen = adopted || `${name}-${suffix(randomSeed, name)}`;
  const annotations = mapAt(object, "metadata")["annotations"];
  const marked = annotations === unknown ? object : withValue(object, autonamed, "true");
  return withValue(marked, ["metadata", "name"], chosen);
}

function suffix(seed: Uint8Array, name: string): string {
  const digest = seed.length > 0 ? createHash("sha256").update(seed).update(name).digest() : randomBytes(4);
  return digest.subarray(0, 4).toString("hex");
}

function problems(object: KubernetesObject): CheckFailure[] {
  const found: CheckFailure[] = [];
  const metadata = object["metadata"];
  if (metadata !== undefined && metadata !== unknown && !isMap(metadata))
    found.push({ property: "metadata", reason: "metadata must be a map" });
  if (stringAt(object, "metadata", "generateName") && nameOf(object) === "") {
    found.push({
      property: "metadata.generateName",
      reason: "generateName cannot be applied server-side: set metadata.name, or leave both out for a generated one",
    });
  }
  const waitFor = annotationOf(object, "pulumi.com/waitFor");
  if (waitFor && waitFor !== unknown) {
    try {
      checkWaitFor(waitFor);
    } catch (error) {
      found.push({
        property: 'metadata.annotations["pulumi.com/waitFor"]',
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return found;
}

async function withNamespace(session: Session, object: KubernetesObject): Promise<KubernetesObject> {
  if (object["metadata"] === unknown || namespaceOf(object) !== "") return object;
  return (await isNamespaced(session, object))
    ? withValue(object, ["metadata", "namespace"], session.namespace)
    : object;
}

/** Whether objects of this kind live in a namespace; assumed where the API server does not answer or does not know the kind yet. */
export async function isNamespaced(session: Session, object: KubernetesObject): Promise<boolean> {
  const kind = kindOf(object);
  const cluster = await reachable(session);
  try {
    if (cluster !== undefined) return (await cluster.discovery.resource(kind)).namespaced;
  } catch (error) {
    if (!(error instanceof NoSuchKindError) && !isNotFound(error)) throw error;
  }
  return session.discovery?.assumeNamespaced(kind) ?? true;
}
