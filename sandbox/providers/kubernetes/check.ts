import { createHash, randomBytes } from "node:crypto";
import { errorMessage } from "../../../core/error.ts";
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
import { isBuiltIn } from "../../../kubernetes/scope.ts";
import { unknown, type PropertyMap, type PropertyValue } from "../property.ts";
import type { CheckFailure, CheckRequest, CheckResult } from "../resource-provider.ts";
import { toObject, toProperties } from "./checkpoint.ts";
import { kindOfToken } from "./discovery.ts";
import { reachable, type Session } from "./session.ts";
import { checkWaitFor } from "./wait-for.ts";

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
  const chosen = adopted || `${name}-${nameSuffix(randomSeed, name)}`;
  const annotations = mapAt(object, "metadata")["annotations"];
  const marked = annotations === unknown ? object : withValue(object, autonamed, "true");
  return withValue(marked, ["metadata", "name"], chosen);
}

function nameSuffix(seed: Uint8Array, name: string): string {
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
        reason: errorMessage(error),
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

const readOnly = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
];
const quantityMaps = new Set(["limits", "requests", "hard", "capacity", "podFixed"]);
const quantities = new Set(["sizeLimit", "averageValue", "divisor"]);

/**
 * The inputs in the one form that means the same to the API server, so that two spellings of it are no difference:
 * without fields that only the server sets, quantities canonical, `stringData` of a Secret as `data`.
 * Objects of custom kinds keep all but the read-only fields: only their definition knows what they mean.
 */
export function normalize(inputs: KubernetesObject): KubernetesObject {
  const object = isMap(inputs["metadata"]) ? { ...inputs, metadata: without(inputs["metadata"], readOnly) } : inputs;
  if (!isBuiltIn(kindOf(object).apiVersion)) return object;
  // The cast holds: without nulls, a map stays a map.
  const clean = spelled(object) as PropertyMap;
  if (isCustomResourceDefinition(clean)) return normalizedDefinition(clean);
  return isSecretObject(clean) ? normalizedSecret(clean) : clean;
}

function isSecretObject(object: KubernetesObject): boolean {
  const { apiVersion, kind } = kindOf(object);
  return apiVersion === "v1" && kind === "Secret";
}

function without(map: PropertyMap, keys: readonly string[]): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}

/** Nulls left out, quantities canonical. */
function spelled(value: PropertyValue): PropertyValue {
  if (Array.isArray(value)) return value.map(spelled);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => {
        if (quantities.has(key)) return [key, quantity(item)];
        if (quantityMaps.has(key) && isMap(item))
          return [key, Object.fromEntries(Object.entries(item).map(([name, each]) => [name, quantity(each)]))];
        return [key, spelled(item)];
      }),
  );
}

function quantity(value: PropertyValue): PropertyValue {
  if (value === unknown) return value;
  return typeof value === "string" || typeof value === "number" ? canonicalQuantity(String(value)) : spelled(value);
}

function normalizedDefinition(object: KubernetesObject): KubernetesObject {
  // The API server drops `preserveUnknownFields: false`, and ignores a status.
  const kept =
    mapAt(object, "spec")["preserveUnknownFields"] === false
      ? withValue(object, ["spec", "preserveUnknownFields"], undefined)
      : object;
  return without(kept, ["status"]);
}

function normalizedSecret(object: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = object;
  const data = isMap(object["data"])
    ? Object.fromEntries(Object.entries(object["data"]).map(([key, value]) => [key, reencoded(value)]))
    : object["data"];
  if (stringData === undefined) return data === undefined ? object : { ...rest, data };
  if (stringData === unknown || data === unknown) return { ...rest, data: unknown };
  if (!isMap(stringData)) return object;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    typeof value === "string" && value !== unknown ? Buffer.from(value, "utf8").toString("base64") : value,
  ]);
  // As on the server, stringData wins over data.
  return { ...rest, data: { ...(isMap(data) ? data : {}), ...Object.fromEntries(encoded) } };
}

/** Base64 without the line ends that the API server drops; what is no base64 is left for it to refuse. */
function reencoded(value: PropertyValue): PropertyValue {
  if (typeof value !== "string" || value === unknown || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)) return value;
  return Buffer.from(value, "base64").toString("base64");
}

const units: ReadonlyArray<readonly [suffix: string, nanos: bigint]> = [
  ["n", 1n],
  ["u", 10n ** 3n],
  ["m", 10n ** 6n],
  ["", 10n ** 9n],
  ["k", 10n ** 12n],
  ["M", 10n ** 15n],
  ["G", 10n ** 18n],
  ["T", 10n ** 21n],
  ["P", 10n ** 24n],
  ["E", 10n ** 27n],
];
const binaryUnits: ReadonlyArray<readonly [suffix: string, nanos: bigint]> = [
  "",
  "Ki",
  "Mi",
  "Gi",
  "Ti",
  "Pi",
  "Ei",
].map((suffix, power) => [suffix, 1024n ** BigInt(power) * 10n ** 9n] as const);
const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;

/**
 * A quantity as the API server would write it: `1000m` and `1` are the same, and so are `1024Mi` and `1Gi`.
 * What is not a quantity, or is written with an exponent, stays as it is.
 */
export function canonicalQuantity(text: string): string {
  const match = pattern.exec(text);
  if (match === null) return text;
  const [, sign = "", whole = "", fraction = "", suffix = ""] = match;
  if (whole === "" && fraction === "") return text;
  const binary = suffix.endsWith("i");
  const unit = (binary ? binaryUnits : units).find(([name]) => name === suffix)?.[1] ?? 10n ** 9n;
  const scaled = BigInt(whole + fraction) * unit;
  const divisor = 10n ** BigInt(fraction.length);
  // Kubernetes rounds up what is finer than a nano.
  const nanos = (scaled + divisor - 1n) / divisor;
  if (nanos === 0n) return "0";
  const scale = binary && nanos >= 1024n * 10n ** 9n ? binaryUnits : units;
  const [name, size] = scale.findLast(([, each]) => nanos % each === 0n) ?? ["n", 1n];
  return `${sign === "-" ? "-" : ""}${nanos / size}${name}`;
}
