import { valueAt } from "../../../kubernetes/json.ts";
import { ownership } from "./field-manager.ts";
import { withValue } from "../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { parsePath } from "./property-path.ts";

/**
 * The inputs without the fields under `ignoreChanges` that somebody else owns, and with the live value of those that
 * nobody else does: applying the program's last value would undo the very changes that are to be ignored.
 * Paths into lists are left as the engine passes them.
 */
export function withIgnoredFields(
  inputs: KubernetesObject,
  live: KubernetesObject,
  ignoreChanges: readonly string[],
  manager: string,
): KubernetesObject {
  return ignoreChanges.map(parsePath).reduce<KubernetesObject>((object, path) => {
    const keys = path.filter((step) => typeof step === "string");
    if (keys.length !== path.length || keys.includes("*")) return object;
    const { own, others } = ownership(live, keys, manager);
    if (others && !own) return withValue(object, keys, undefined);
    const value = valueAt(live, ...keys);
    return value === undefined ? object : withValue(object, keys, value);
  }, inputs);
}
