import { listAt, mapAt, withValue, type KubernetesObject } from "./object.ts";
import type { JsonMap } from "./json.ts";

/** Where a kind says what its pods are. */
const templates: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template"],
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
