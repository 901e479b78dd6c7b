import { imagesOfLabel } from "../../core/names.ts";
import type { Problem } from "../../core/problem.ts";
import { fieldProblems } from "../../kubernetes/field-problems.ts";
import { objectPodProblems } from "../../kubernetes/pod-problems.ts";
import { isMap, type JsonMap, type JsonValue } from "../../kubernetes/json.ts";
import { kindOf, labelsAt, listAt, mapAt, nameOf, withValue, type KubernetesObject } from "../../kubernetes/object.ts";
import { podTemplateOf, withPodTemplate } from "../../kubernetes/pod-template.ts";
import { groupOf } from "../../kubernetes/scope.ts";
import { deployedKinds, manifestKinds } from "./manifest-files.ts";
import { serviceManifests, type ServiceManifests } from "./manifests.ts";
import { type ManifestContext } from "./manifest-context.ts";
import { metadata } from "./metadata.ts";
import { rolloutsApi } from "./rollout.ts";
import { brokenByPatch, brokenIdentity } from "./object-guard.ts";
import { patched, type LocatedPatch } from "../service/patches.ts";
import { withRestrictedDefaults } from "./pod-rights.ts";
import type { Service } from "../service/service.ts";

/** All objects of one service: those that its settings make, and those that it brings along, with its patches. */
export interface ServiceObjects {
  readonly manifests: ServiceManifests;
  readonly own: readonly KubernetesObject[];
}

/** An object, and under which key its settings have made it; `undefined`: the service brings it along. */
interface Part {
  readonly key: string | undefined;
  readonly object: KubernetesObject;
}

export interface CompletedService {
  readonly objects: ServiceObjects;
  /** All of them as plain data, before and after the patches. */
  readonly parts: readonly {
    readonly before: KubernetesObject;
    readonly after: KubernetesObject;
    readonly own: boolean;
  }[];
  readonly problems: readonly Problem[];
  /** The patches for objects that the service has not. */
  readonly unmatched: readonly Problem[];
  /** The patches that change something. */
  readonly matched: readonly LocatedPatch[];
}

type ManifestArgs = Parameters<typeof serviceManifests>[2];

/**
 * The objects of a service, its patches made last: the same for every way of delivery.
 * @param args the image by digest, and what rises whenever a secret of the service changes
 */
export function serviceObjects(context: ManifestContext, service: Service, args: ManifestArgs): ServiceObjects {
  // Most services have neither, and large stacks have many services.
  if (service.allPatches === undefined && service.ownObjects === undefined)
    return { manifests: serviceManifests(context, service, args), own: [] };
  return completeService(context, service, args, "").objects;
}

/**
 * The kinds of what services bring along, beyond those that every service may have.
 * @param rollouts whether the environment has Argo Rollouts, whose kinds are allowed then, and not only as long as a service needs them:
 * Argo CD does not see objects of other kinds, and would never take the last Rollout away
 */
export function ownKinds(services: readonly Service[], rollouts: boolean): { group: string; kind: string }[] {
  const kinds = [
    ...services.flatMap(({ ownObjects = [] }) => ownObjects.map(({ object }) => kindOf(object))),
    ...(rollouts ? ["Rollout", "AnalysisTemplate"] : []).map((kind) => ({ apiVersion: rolloutsApi, kind })),
  ];
  const found = kinds.map(({ apiVersion, kind }) => ({ group: groupOf(apiVersion), kind }));
  const known = new Set(deployedKinds.map((one) => JSON.stringify(one)));
  const further = new Map(found.map((one) => [`${one.group}/${one.kind}`, one]));
  return [...further.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, one]) => (known.has(JSON.stringify(one)) ? [] : [one]));
}

/** @param repository of its images, for what is wrong; nothing else asks for it */
export function completeService(
  context: ManifestContext,
  service: Service,
  args: ManifestArgs,
  repository: string,
): CompletedService {
  const later: unknown[] = [];
  const base = [
    ...partsOf(serviceManifests(context, service, args), later),
    ...(service.ownObjects ?? []).map(({ object }) => ({ key: undefined, object: atHome(context, service, object) })),
  ];
  const { labels } = metadata(context.environment, service.name);
  const problems: Problem[] = [];
  const matched = new Set<LocatedPatch>();
  const parts = base.map((part) => {
    const patches = (service.allPatches ?? []).filter(
      ({ kind, name }) => kind === part.object["kind"] && (name === undefined || name === nameOf(part.object)),
    );
    let object = part.object;
    for (const patch of patches) {
      matched.add(patch);
      const result = patched(object, patch);
      if ("problem" in result) {
        problems.push({ location: patch.location, message: `of ${nameFor(object)}: ${result.problem}` });
        continue;
      }
      // What was JSON, and is changed by what can be written in YAML, is JSON.
      const raw = result.object as KubernetesObject;
      const after = finished(part, raw);
      const broken =
        part.key === undefined ? brokenIdentity(object, raw) : brokenByPatch(object, raw, { labels, repository });
      const messages = [...broken, ...newFieldProblems(object, after)];
      for (const message of messages)
        problems.push({ location: patch.location, message: `of ${nameFor(object)}: ${message}` });
      // What one patch has broken is not said again of those after it.
      if (messages.length === 0) object = after;
    }
    return { ...part, before: part.object, object };
  });
  return {
    objects: {
      manifests: manifestsOf(parts, later),
      own: parts.filter(({ key }) => key === undefined).map(({ object }) => object),
    },
    parts: parts.map(({ key, before, object }) => ({ before, after: object, own: key === undefined })),
    problems,
    unmatched: unmatched(service, matched, base),
    matched: [...matched],
  };
}

/** What a patch is for must be there; of one for all services, some may have no such object. */
function unmatched(service: Service, matched: ReadonlySet<LocatedPatch>, parts: readonly Part[]): Problem[] {
  const has = parts.map(({ object }) => kindOf(object).kind);
  return (service.allPatches ?? [])
    .filter((patch) => !patch.shared && !matched.has(patch))
    .map(({ location, kind, name }) => ({
      location,
      message: `${service.name} has no ${kind}${name === undefined || !has.includes(kind) ? "" : ` ${name}`}; it has ${[...new Set(has)].toSorted().join(", ")}`,
    }));
}

/** Pods that a patch has changed: the service's own container comes first, its image is the default, and its security settings are, too. */
function finished({ key: made, object }: Part, after: KubernetesObject): KubernetesObject {
  const was = podTemplateOf(object);
  const template = podTemplateOf(after);
  if (was === undefined || template === undefined || !isMap(template["spec"])) return after;
  const [main] = listAt(was, "spec", "containers");
  const spec = withRestrictedDefaults(template["spec"]);
  const image = made === undefined ? undefined : main?.["image"];
  const withImage = (item: JsonValue): JsonValue =>
    isMap(item) && item["image"] === undefined && image !== undefined ? { ...item, image } : item;
  const isMain = (item: JsonValue): boolean => isMap(item) && item["name"] === main?.["name"];
  const changed = Object.fromEntries(
    (["initContainers", "containers"] as const).flatMap((key) => {
      const list = spec[key];
      if (!Array.isArray(list)) return [];
      const complete = list.map(withImage);
      return [[key, [...complete.filter(isMain), ...complete.filter((item) => !isMain(item))]]];
    }),
  );
  return withPodTemplate(after, withValue(template, ["spec"], { ...spec, ...changed }));
}

function newFieldProblems(before: KubernetesObject, after: KubernetesObject): string[] {
  const { apiVersion, kind } = kindOf(after);
  const describe = (object: KubernetesObject): string[] => {
    const fields = fieldProblems(apiVersion, kind, object).map(({ path, message }) => `${path.join(".")}: ${message}`);
    // Of fields that are wrong, nothing can be told.
    return fields.length > 0 ? fields : objectPodProblems(object);
  };
  const known = new Set(describe(before));
  return describe(after).filter((message) => !known.has(message));
}

/** An object that a service brings along, in the namespace of the environment, and with its labels where it says none itself. */
function atHome(
  { environment, admission }: ManifestContext,
  service: Service,
  object: KubernetesObject,
): KubernetesObject {
  const { labels: common, namespace } = metadata(environment, service.name);
  // With its name as well, a pod would be one of the service's.
  const { "app.kubernetes.io/name": _, ...shared } = common;
  const own = mapAt(object, "metadata");
  const placed = {
    ...object,
    metadata: { ...own, namespace, labels: { ...shared, ...mapAt(own, "labels") } },
  };
  const template = podTemplateOf(placed);
  if (template === undefined || !isMap(template["spec"])) return placed;
  const restricted = { ...template, spec: withRestrictedDefaults(template["spec"]) };
  if (admission === undefined) return withPodTemplate(placed, restricted);
  // They may have the images that the service has.
  const labels = { [imagesOfLabel]: service.name, ...labelsAt(restricted) };
  return withPodTemplate(placed, withValue(restricted, ["metadata", "labels"], labels));
}

/** @param later takes the values that only the engine knows, in whose places are texts */
function partsOf(manifests: ServiceManifests, later: unknown[]): Part[] {
  return Object.entries(manifests).flatMap(([key, made]: [string, unknown]) => {
    const [apiVersion, kind] = manifestKinds[key as keyof ServiceManifests];
    const objects = Array.isArray(made) ? made : made === undefined ? [] : [made];
    return objects.map((object) => ({ key, object: { apiVersion, kind, ...(plain(object, later) as JsonMap) } }));
  });
}

function manifestsOf(parts: readonly Part[], later: readonly unknown[]): ServiceManifests {
  const manifests: Record<string, unknown> = {};
  for (const { key, object } of parts) {
    if (key === undefined) continue;
    const { apiVersion: _, kind: __, ...manifest } = object;
    const complete = filledIn(manifest, later);
    const others = manifests[key];
    // Of some kinds a service may have several.
    manifests[key] = key === "persistentVolumeClaims" ? [...(Array.isArray(others) ? others : []), complete] : complete;
  }
  // Patches are held to the types of the objects, which those of the SDK are made from.
  return manifests as unknown as ServiceManifests;
}

const placeholder = (index: number): string => `\u0000${index}`;

function plain(value: unknown, later: unknown[]): JsonValue {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  if (Array.isArray(value)) return value.map((item) => plain(item, later));
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, plain(item, later)]])),
    );
  return placeholder(later.push(value) - 1);
}

function filledIn(value: JsonValue, later: readonly unknown[]): unknown {
  if (Array.isArray(value)) return value.map((item) => filledIn(item, later));
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filledIn(item, later)]));
  return typeof value === "string" && value.startsWith("\u0000") ? later[Number(value.slice(1))] : value;
}

function nameFor(object: KubernetesObject): string {
  return `${kindOf(object).kind} ${nameOf(object)}`;
}
