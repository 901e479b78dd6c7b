import { isMap } from "../../../kubernetes/json.ts";
import { revealMap, type PropertyMap, type PropertyValue } from "../property.ts";
import type { DiffKind, DiffResult } from "../resource-provider.ts";

/**
 * The changed arguments, by their first level as the official plugin reports them. Nothing replaces an image:
 * an update builds and pushes it again. New credentials alone are no change, since they change no image.
 *
 * @param state the outputs in the state, which hold the inputs of the last build as `__inputs`
 */
export function diffImage(state: PropertyMap, news: PropertyMap): DiffResult {
  const last = revealMap(state)["__inputs"];
  const olds = isMap(last) ? last : {};
  const plain = revealMap(news);
  const detailedDiff: Record<string, DiffKind> = {};
  for (const key of new Set([...Object.keys(olds), ...Object.keys(plain)])) {
    const before = olds[key] ?? null;
    const after = plain[key] ?? null;
    if (equal(before, after) || (key === "registry" && sameServer(before, after))) continue;
    detailedDiff[key] = before === null ? "add" : after === null ? "delete" : "update";
  }
  return { detailedDiff };
}

/** A server that only comes or goes is none that changed, as in the official plugin: the image's name decides where it goes. */
function sameServer(before: PropertyValue, after: PropertyValue): boolean {
  if (!isMap(before) || !isMap(after)) return false;
  const servers = [before["server"] ?? null, after["server"] ?? null];
  return servers.includes(null) || servers[0] === servers[1];
}

function equal(a: PropertyValue, b: PropertyValue): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => equal(item, b[index] ?? null));
  if (!isMap(a) || !isMap(b)) return a === b;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => equal(a[key] ?? null, b[key] ?? null));
}
