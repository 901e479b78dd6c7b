import type { PropertyMap, PropertyValue } from "../property.ts";
import type { CircleCiApi } from "./api.ts";

/** One property of a resource type, as the official provider's schema describes it. */
export interface Field {
  readonly type: "string" | "boolean" | "strings" | "object";
  /** `required` and `optional` are inputs; `settled` is an input that the API fills in when it is absent; `computed` is output only. */
  readonly kind: "required" | "optional" | "settled" | "computed";
  readonly secret?: boolean;
  /** A change needs a new resource. */
  readonly replaces?: boolean;
  /** An output that keeps its value through updates, so that a preview knows it. */
  readonly stable?: boolean;
  readonly default?: PropertyValue;
  /** What is wrong with a value, in words that follow the value. */
  readonly problem?: (value: string) => string | undefined;
}

/** Plain values: secrets opened, absent members left out. */
export type Plain = PropertyMap;

/** A resource type: its schema and its calls to the API. All properties passed here are plain. */
export interface ResourceType {
  /** E.g. `circleci:index/context:Context`. */
  readonly token: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Whether the API gives the resource an id; without one Pulumi's id is "missing ID". */
  readonly hasId: boolean;
  /** What an import's id looks like, e.g. `organizationId/contextId`. */
  readonly importForm: string;
  /** The state from which `read` can find an imported resource; `undefined` where the id does not have the form. */
  importState(id: string): Plain | undefined;
  create(api: CircleCiApi, inputs: Plain): Promise<Plain>;
  /** `undefined`: the resource is gone. */
  read(api: CircleCiApi, state: Plain): Promise<Plain | undefined>;
  /** Absent where the official provider updates nothing in place. */
  update?(api: CircleCiApi, state: Plain, inputs: Plain): Promise<Plain>;
  delete(api: CircleCiApi, state: Plain): Promise<void>;
}

export const required: Field = { type: "string", kind: "required" };
export const optional: Field = { type: "string", kind: "optional" };
export const computed: Field = { type: "string", kind: "computed" };

/** A string that the schema says is there. */
export function text(map: Plain, name: string): string {
  const value = map[name];
  if (typeof value !== "string") throw new Error(`${name} must be a string here, not ${JSON.stringify(value)}`);
  return value;
}

/** Leaves out what is absent: `null` and `undefined` mean the same to the engine. */
export function present(map: Record<string, PropertyValue | undefined>): Plain {
  const entries = Object.entries(map).filter(
    (entry): entry is [string, PropertyValue] => entry[1] !== undefined && entry[1] !== null,
  );
  return Object.fromEntries(entries);
}

/** The two parts of an import id. */
export function twoParts(id: string, first: string, second: string): Plain | undefined {
  const cut = id.indexOf("/");
  if (cut < 1 || cut === id.length - 1) return undefined;
  return { [first]: id.slice(0, cut), [second]: id.slice(cut + 1) };
}
