import { isMap } from "../core/yaml.ts";
import { fieldType, type FieldType } from "./schema.ts";

/** What stands at a place that a patch cannot change, and why. */
export class PatchError extends Error {
  readonly path: readonly string[];

  constructor(path: readonly string[], message: string) {
    super(message);
    this.path = path;
  }
}

type PlainMap = { readonly [key: string]: unknown };

/**
 * A strategic merge patch, as the API server and `kubectl patch` apply it: maps are merged, `null` removes, lists are merged by
 * their merge keys where the type has one, and are replaced where it has none. `$patch: delete` removes an item or, as with
 * kustomize, a field; `$patch: replace` puts a map or list in the place of the old one.
 * Source: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 * @param type of a custom resource it is `undefined`: as there, the patch is a JSON merge patch then
 * @throws PatchError
 */
export function mergeStrategically(
  base: PlainMap,
  patch: PlainMap,
  type: FieldType | undefined,
  path: readonly string[] = [],
): PlainMap {
  const changes = withoutDirective(patch);
  if (directiveOf(patch, path) === "replace") return changes;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    const at = [...path, key];
    if (key.startsWith("$")) throw new PatchError(at, "is no directive that is known here; there is $patch");
    const inner = fieldType(type, key);
    if (value === null || (isMap(value) && directiveOf(value, at) === "delete")) delete merged[key];
    else if (isMap(value)) {
      const before = merged[key];
      merged[key] = mergeStrategically(isMap(before) ? before : {}, value, inner, at);
    } else if (Array.isArray(value)) {
      const before = merged[key];
      merged[key] = mergeLists(Array.isArray(before) ? before : undefined, value, inner, at);
    } else merged[key] = value;
  }
  return merged;
}

/** @param before `undefined`: there is none, and the patch's own list is taken as it is */
function mergeLists(
  before: readonly unknown[] | undefined,
  patch: readonly unknown[],
  type: FieldType | undefined,
  path: readonly string[],
): readonly unknown[] {
  const merge = type?.is === "list" ? type.merge : "replace";
  if (merge === "replace") return patch;
  const base = before ?? [];
  if (merge === "set") return [...new Set([...base, ...patch])];
  const items = patch.map((item, index) => {
    const at = [...path, String(index)];
    if (!isMap(item)) throw new PatchError(at, `must be a map: items of ${path.at(-1)} are merged by ${merge.key}`);
    return { item, at, directive: directiveOf(item, at) };
  });
  if (items.some(({ directive }) => directive === "replace"))
    return items.map(({ item }) => withoutDirective(item)).filter((item) => Object.keys(item).length > 0);
  const keyOf = (item: unknown): unknown => (isMap(item) ? item[merge.key] : undefined);
  const changed: unknown[] = [];
  for (const { item, at, directive } of items) {
    const key = keyOf(item);
    if (key === undefined)
      throw new PatchError(at, `has no ${merge.key}, by which the items of ${path.at(-1)} are told apart; add it`);
    if (directive === "delete") continue;
    const same = (list: readonly unknown[]): readonly unknown[] => list.filter((one) => keyOf(one) === key);
    if (before !== undefined && (same(changed).length > 0 || same(base).length > 1))
      throw new PatchError(
        at,
        `there is more than one item with ${merge.key} ${JSON.stringify(key)}, by which alone a patch of this form tells those of ${path.at(-1)} apart; write it as a list of operations (JSON Patch)`,
      );
    const [merged] = same(base);
    changed.push(mergeStrategically(isMap(merged) ? merged : {}, item, itemType(type), at));
  }
  const mentioned = new Set(items.map(({ item }) => keyOf(item)));
  const kept = base.filter((item) => !mentioned.has(keyOf(item)));
  return inOrder(kept, changed, (item) => base.findIndex((one) => keyOf(one) === keyOf(item)));
}

/** Items that the patch does not mention stay in their order, and new ones come before those that follow no other. */
function inOrder(
  kept: readonly unknown[],
  changed: readonly unknown[],
  indexOf: (item: unknown) => number,
): readonly unknown[] {
  const [left, right] = [[...kept], [...changed]];
  const ordered: unknown[] = [];
  while (left.length > 0 && right.length > 0) {
    const there = indexOf(right[0]);
    const goesFirst = there >= 0 && indexOf(left[0]) < there;
    ordered.push(goesFirst ? left.shift() : right.shift());
  }
  return [...ordered, ...left, ...right];
}

function itemType(type: FieldType | undefined): FieldType | undefined {
  return type?.is === "list" ? type.of : undefined;
}

const directives = ["replace", "delete", "merge"];

function directiveOf(patch: PlainMap, path: readonly string[]): string {
  const { $patch: directive = "merge" } = patch;
  if (typeof directive === "string" && directives.includes(directive)) return directive;
  throw new PatchError([...path, "$patch"], `${JSON.stringify(directive)}: must be ${directives.join(", ")}`);
}

function withoutDirective(patch: PlainMap): PlainMap {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== "$patch"));
}
