import { z } from "zod";
import { differences, isMap, parsePath, readValue, valueAt, type Difference, type Value } from "./value.ts";

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
  /** Whether it is a thing of its own, and no component. */
  readonly custom: boolean;
  /** Its inputs before; `undefined`: it is created. */
  readonly before: Value | undefined;
  /** Its inputs afterwards; `undefined`: it is deleted. */
  readonly after: Value | undefined;
  /** Its outputs before. */
  readonly outputs: Value | undefined;
  /** What changes of it, and whether that replaces it. */
  readonly changes: readonly (Difference & { readonly replaces: boolean })[];
}

const stateSchema = z.object({
  custom: z.boolean().default(false),
  inputs: z.unknown().optional(),
  outputs: z.unknown().optional(),
});

/** Of the engine's event before each step; it has much more. */
export const stepEventSchema = z.object({
  op: z.string(),
  urn: z.string(),
  type: z.string(),
  old: stateSchema.nullish(),
  new: stateSchema.nullish(),
  keys: z.array(z.string()).nullish(),
  diffs: z.array(z.string()).nullish(),
  detailedDiff: z.record(z.string(), z.object({ diffKind: z.string() })).nullish(),
});
type StepEvent = z.infer<typeof stepEventSchema>;

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
export function readStep(raw: unknown): Step | undefined {
  const event = stepEventSchema.parse(raw);
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
    changes: action === "update" || action === "replace" ? changesOf(event, before, after) : [],
  };
}

/** The provider's own list of places, or else what differs below the properties that the engine names. */
function changesOf(event: StepEvent, before: Value | undefined, after: Value | undefined): Step["changes"] {
  const replaceKeys = event.keys ?? [];
  const detailed = Object.entries(event.detailedDiff ?? {}).filter(([path]) => !path.startsWith("__"));
  if (detailed.length > 0) {
    return detailed.flatMap(([text, { diffKind }]) => {
      const path = parsePath(text);
      const whole = { path, before: valueAt(before, path), after: valueAt(after, path) };
      // Some providers name the property alone.
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
function topLevelKeys({ diffs, keys }: StepEvent, before: Value | undefined, after: Value | undefined): string[] {
  const named = [...new Set([...(diffs ?? []), ...(keys ?? [])])];
  const all = [...new Set([before, after].flatMap((side) => (isMap(side) ? Object.keys(side) : [])))];
  return (named.length > 0 ? named : all).filter((key) => !key.startsWith("__"));
}
