import type { EngineStep } from "../pulumi/engine-run.ts";
import { secretWord } from "../../core/secret-mask.ts";
import { signatureKey } from "../pulumi/redaction.ts";
import type { Category } from "./model.ts";

/** What the update would do with one resource. */
export interface Step {
  readonly action: "same" | "create" | "update" | "replace" | "delete" | "read" | "import";
  readonly urn: string;
  /** The type token, e.g. `kubernetes:apps/v1:Deployment`. */
  readonly type: string;
  /** The types of its ancestors, the outermost first. */
  readonly ancestors: readonly string[];
  /** The logical name. */
  readonly name: string;
  /** Whether a provider manages it; components are only groups. */
  readonly custom: boolean;
  /** Its inputs before; `undefined`: it is created. */
  readonly before: Value | undefined;
  /** Its inputs afterwards; `undefined`: it is deleted. */
  readonly after: Value | undefined;
  /** Its outputs before. */
  readonly outputs: Value | undefined;
  /** Whether what it stands for outlives its declaration. @default it does not */
  readonly kept?: boolean;
  /** What changes of it, and whether that replaces it. */
  readonly changes: readonly (Difference & { readonly replaces: boolean })[];
}

/** A replacement comes in three steps; the middle one has both sides. */
const actions: Readonly<Record<string, Step["action"]>> = {
  same: "same",
  create: "create",
  update: "update",
  replace: "replace",
  delete: "delete",
  read: "read",
  "read-replacement": "read",
  import: "import",
  "import-replacement": "import",
};

/** @returns `undefined` for the parts of a replacement */
export function readStep(event: EngineStep): Step | undefined {
  const action = actions[event.op];
  if (action === undefined) return undefined;
  const [, , types = "", ...name] = event.urn.split("::");
  const before = event.old == null ? undefined : readValue(event.old.inputs);
  const after = event.new == null ? undefined : readValue(event.new.inputs);
  return {
    action,
    urn: event.urn,
    type: event.type,
    ancestors: types.split("$").slice(0, -1),
    name: name.join("::"),
    custom: (event.new ?? event.old)?.custom ?? false,
    before,
    after,
    outputs: event.old == null ? undefined : readValue(event.old.outputs),
    ...(event.old?.retainOnDelete === true ? { kept: true } : {}),
    changes: action === "update" || action === "replace" ? changesOf(event, before, after) : [],
  };
}

/** The provider's own list of paths, or else what differs below the properties that the engine names. */
function changesOf(event: EngineStep, before: Value | undefined, after: Value | undefined): Step["changes"] {
  const replaceKeys = event.keys ?? [];
  const detailed = Object.entries(event.detailedDiff ?? {}).filter(([path]) => !path.startsWith("__"));
  if (detailed.length > 0) {
    return detailed.flatMap(([text, { diffKind }]) => {
      const path = parsePath(text);
      const whole = { path, before: valueAt(before, path), after: valueAt(after, path) };
      // Some providers name only the property as a whole.
      const parts = differences(whole.before, whole.after, path);
      return (parts.length === 0 ? [whole] : parts).map((part) => ({
        ...part,
        replaces: diffKind.includes("replace"),
      }));
    });
  }
  return topLevelKeys(event, before, after).flatMap((key) =>
    differences(valueAt(before, [key]), valueAt(after, [key]), [key]).map((difference) => ({
      ...difference,
      replaces: replaceKeys.includes(key),
    })),
  );
}

/** Inputs that begin with `__` are the engine's. */
function topLevelKeys({ diffs, keys }: EngineStep, before: Value | undefined, after: Value | undefined): string[] {
  const named = [...new Set([...(diffs ?? []), ...(keys ?? [])])];
  const all = [...new Set([before, after].flatMap((side) => (isMap(side) ? Object.keys(side) : [])))];
  return (named.length > 0 ? named : all).filter((key) => !key.startsWith("__"));
}

/** A value of a resource. Words replace secrets and what is not known before the update. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** In place of a value that is not known before the update. */
export const unknownWord = "[known after the update]";

/** How the engine marks such a value in its events. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A value as the engine's events have it. The engine empties the envelopes of secrets; nothing of them is kept here either. */
export function readValue(raw: unknown): Value {
  if (raw === unknownValue) return unknownWord;
  if (typeof raw === "string" || typeof raw === "number" || typeof raw === "boolean") return raw;
  if (Array.isArray(raw)) return raw.map(readValue);
  if (typeof raw !== "object" || raw === null) return null;
  if (signatureKey in raw) return secretWord;
  return Object.fromEntries(Object.entries(raw).map(([key, item]) => [key, readValue(item)]));
}

export function isMap(value: Value | undefined): value is { readonly [key: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is at a path of keys and indexes; `undefined`: nothing. A secret on the way hides what is in it. */
export function valueAt(value: Value | undefined, path: readonly string[]): Value | undefined {
  const [key, ...rest] = path;
  if (key === undefined || value === secretWord || value === unknownWord) return value;
  if (Array.isArray(value)) return valueAt(value[Number(key)], rest);
  return isMap(value) && Object.hasOwn(value, key) ? valueAt(value[key], rest) : undefined;
}

/** `spec.containers[0].env["a.b"]` → its keys. */
function parsePath(path: string): string[] {
  const parts = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
  return [...parts].map(([, quoted, index, plain]) => quoted ?? index ?? plain ?? "");
}

/** A path at which two values differ. */
export interface Difference {
  readonly path: readonly string[];
  /** `undefined`: not there. */
  readonly before: Value | undefined;
  readonly after: Value | undefined;
}

/** The paths at which two values differ, as deep as both have the same shape. */
export function differences(
  before: Value | undefined,
  after: Value | undefined,
  path: readonly string[] = [],
): Difference[] {
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differences(before[key], after[key], [...path, key]));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, index) => index).flatMap((index) =>
      differences(before[index], after[index], [...path, String(index)]),
    );
  }
  return before === after || JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

/** For people, in one short line. */
export function shown(value: Value | undefined): string {
  if (value === undefined) return "(none)";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** Where a resource belongs, by its type and by what it is part of. */
export function categoryOf({ type, ancestors }: Step): Category {
  if (type.startsWith("pulumi:providers:")) return "Providers";
  if (type.startsWith("docker:")) return "Images";
  if (type.startsWith("circleci:")) return "CI";
  if (type.endsWith(":GitManifests")) return "Deploy repository";
  if (ancestors.some((ancestor) => ancestor.startsWith("delivery:gitops:"))) return "Argo CD";
  return ancestors.includes("delivery:cluster:Workload") ? "Services" : "Cluster";
}

/** `kubernetes:apps/v1:Deployment` → `Deployment`. */
export function kindOf({ type }: Step): string {
  if (type.startsWith("pulumi:providers:")) return `Provider ${type.slice("pulumi:providers:".length)}`;
  return type.split(":").at(-1) ?? type;
}
