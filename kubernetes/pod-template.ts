import { listAt, mapAt, stringAt, withValue, type KubernetesObject } from "./object.ts";
import { isMap, type JsonMap, type JsonValue } from "./json.ts";

/** Where a kind says what its pods are. */
const templates: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template"],
  // Argo Rollouts' kind, which is a Deployment in all that concerns its pods.
  Rollout: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
  PodTemplate: ["template"],
  Pod: [],
};

/** What an object says of its pods, with their labels; `undefined`: it has none, as far as is known of its kind. */
export function podTemplateOf(object: KubernetesObject): JsonMap | undefined {
  const path = pathIn(object);
  return path === undefined ? undefined : mapAt(object, ...path);
}

/** All that an object says of pods: of a kind that nobody knows here, whatever in it has containers with images. */
export function podTemplatesIn(object: KubernetesObject): JsonMap[] {
  const known = podTemplateOf(object);
  return known === undefined ? Object.values(object).flatMap((value) => templatesIn(value)) : [known];
}

function templatesIn(value: JsonValue): JsonMap[] {
  if (Array.isArray(value)) return value.flatMap(templatesIn);
  if (!isMap(value)) return [];
  if (hasContainers(mapAt(value, "spec"))) return [value];
  if (hasContainers(value)) return [{ spec: value }];
  return Object.values(value).flatMap(templatesIn);
}

function hasContainers(spec: JsonMap): boolean {
  return containersOf({ spec }).some((container) => typeof container["image"] === "string");
}

/** The images that pods would run, or have as volumes: of each, what it is for. */
export function imagesIn(template: JsonMap): { readonly of: string; readonly image: string }[] {
  const volumes = listAt(template, "spec", "volumes").filter((volume) => isMap(volume["image"]));
  return [
    ...containersOf(template).map((container) => ({
      of: `container ${stringAt(container, "name") ?? ""}`,
      image: stringAt(container, "image") ?? "",
    })),
    ...volumes.map((volume) => ({
      of: `volume ${stringAt(volume, "name") ?? ""}`,
      image: stringAt(volume, "image", "reference") ?? "",
    })),
  ];
}

/** The containers of pods, those that run before the others first. @param template what an object says of its pods */
export function containersOf(template: JsonMap): JsonMap[] {
  return [...listAt(template, "spec", "initContainers"), ...listAt(template, "spec", "containers")];
}

/** The object with other pods. */
export function withPodTemplate(object: KubernetesObject, template: JsonMap): KubernetesObject {
  const path = pathIn(object) ?? [];
  return path.length === 0 ? { ...object, ...template } : withValue(object, path, template);
}

function pathIn(object: KubernetesObject): readonly string[] | undefined {
  const { kind } = object;
  return typeof kind === "string" && Object.hasOwn(templates, kind) ? templates[kind] : undefined;
}
