import { isMap } from "../../../kubernetes/json.ts";
import type { PropertyMap, PropertyValue } from "../property.ts";
import type { DiffKind } from "../resource-provider.ts";

export interface Difference {
  path: PropertyPath;
  kind: DiffKind;
  /** The new value; undefined: it goes. */
  value?: PropertyValue;
}

/** Where `news` differs from `olds`, at the deepest paths that say so. */
export function differences(olds: PropertyMap, news: PropertyMap, at: PropertyPath = []): Difference[] {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)]);
  return [...keys].flatMap((key) => compare(olds[key], news[key], [...at, key]));
}

function compare(old: PropertyValue | undefined, value: PropertyValue | undefined, path: PropertyPath): Difference[] {
  if (old === undefined && value === undefined) return [];
  if (old === undefined) return value === undefined ? [] : [{ path, kind: "add", value }];
  if (value === undefined) return [{ path, kind: "delete" }];
  if (isMap(old) && isMap(value)) return differences(old, value, path);
  if (Array.isArray(old) && Array.isArray(value)) {
    return Array.from({ length: Math.max(old.length, value.length) }, (_, index) =>
      compare(old[index], value[index], [...path, index]),
    ).flat();
  }
  return old === value ? [] : [{ path, kind: "update", value }];
}

/** The differences without those at or below a path of the resource's `ignoreChanges`. */
export function withoutIgnored(found: readonly Difference[], ignored: readonly PropertyPath[]): Difference[] {
  return found.filter(({ path }) => !ignored.some((pattern) => isWithin(path, pattern)));
}

export function asReplacement(kind: DiffKind): DiffKind {
  if (kind === "add") return "add-replace";
  if (kind === "delete") return "delete-replace";
  return kind === "update" ? "update-replace" : kind;
}

/** The way to a property: keys of maps and indexes of lists; `*` in a pattern stands for any of them. */
export type PropertyPath = readonly (string | number)[];

/** As Pulumi writes it: `spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`. */
export function formatPath(path: PropertyPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (/[."[\]]/.test(step)) return `${text}["${step.replaceAll('"', '\\"')}"]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

const step = /\[(\d+|\*)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.["\]]+)/y;

/** @throws Error naming the path that cannot be read. */
export function parsePath(text: string): PropertyPath {
  const path: (string | number)[] = [];
  let position = 0;
  while (position < text.length) {
    step.lastIndex = position;
    const match = step.exec(text);
    if (match === null)
      throw new Error(`"${text}" is no property path: expected one such as spec.containers[0].image.`);
    const [whole, index, quoted, key] = match;
    if (index !== undefined) path.push(index === "*" ? "*" : Number(index));
    else path.push(quoted === undefined ? (key ?? "") : quoted.replaceAll('\\"', '"'));
    position += whole.length;
  }
  return path;
}

/** Whether `path` is at or below the pattern. */
export function isWithin(path: PropertyPath, pattern: PropertyPath): boolean {
  return (
    pattern.length <= path.length && pattern.every((expected, index) => expected === "*" || expected === path[index])
  );
}
