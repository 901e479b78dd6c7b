import { isMap } from "../../../kubernetes/json.ts";
import { withValue, type KubernetesObject } from "../../../kubernetes/object.ts";
import type { PropertyMap, PropertyValue } from "../property.ts";
import { sameValue } from "./diff.ts";

/**
 * The inputs that would have led to the live object: each input that changed in the cluster since the state was written
 * takes its live value, each other one stays as the program wrote it. So a default or another spelling of the API server
 * is no drift, and fields that the program never set are not looked at.
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
  if (sameValue(recorded, live)) return input;
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

/** The inputs of an object that comes into the state from the cluster: all of it but what only the server sets. */
export function importedInputs(live: KubernetesObject): KubernetesObject {
  return noise.reduce<KubernetesObject>((object, path) => withValue(object, path, undefined), live);
}
