import { createHash, randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isMap } from "../../../kubernetes/json.ts";
import { hasUnknown, reveal, secret, unknown, type PropertyMap, type PropertyValue } from "../property.ts";
import type { CheckFailure, CheckRequest, CheckResult, DiffKind, DiffResult } from "../resource-provider.ts";
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

/** Validates a program's inputs, names the resource if it has no name, and marks the secrets of the schema. */
export function check(type: ResourceType, request: CheckRequest): CheckResult {
  const inputs: PropertyMap = {};
  const failures: CheckFailure[] = [];
  const takes = Object.entries(type.fields).filter(([, field]) => field.kind !== "computed");
  for (const name of Object.keys(request.news)) {
    // The engine's own properties, such as `__internal`, are not the program's.
    if (name.startsWith("__") || takes.some(([known]) => known === name)) continue;
    failures.push({
      property: name,
      reason: `${type.token} has no input ${name}; it takes ${takes.map(([known]) => known).join(", ")}`,
    });
  }
  for (const [name, field] of takes) {
    const value = request.news[name] ?? (name === "name" ? (request.olds[name] ?? automaticName(request)) : undefined);
    if (value === undefined || value === null) {
      if (field.kind === "required")
        failures.push({ property: name, reason: `missing required property ${name} of ${type.token}` });
      continue;
    }
    const problem = hasUnknown(value) ? undefined : problemOf(field, reveal(value));
    if (problem !== undefined) failures.push({ property: name, reason: `${name} of ${type.token} ${problem}` });
    inputs[name] = field.secret === true ? secret(value) : value;
  }
  return failures.length > 0 ? { inputs, failures } : { inputs };
}

/** As Pulumi's bridge names: the logical name and seven hexadecimal digits, kept through updates. */
function automaticName({ name, randomSeed }: CheckRequest): string {
  const seed = randomSeed.length > 0 ? createHash("sha256").update(randomSeed).update(name).digest() : randomBytes(4);
  return `${name}-${seed.toString("hex").slice(0, 7)}`;
}

function problemOf(field: Field, value: PropertyValue): string | undefined {
  switch (field.type) {
    case "string":
      return typeof value === "string" ? withValue(value, field.problem?.(value)) : wrong("a string", value);
    case "boolean":
      return typeof value === "boolean" ? undefined : wrong("a boolean", value);
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string")
        ? undefined
        : wrong("a list of strings", value);
    case "object":
      return isMap(value) && Object.values(value).every((item) => ["string", "number", "boolean"].includes(typeof item))
        ? undefined
        : wrong("an object of strings, numbers and booleans", value);
  }
}

function withValue(value: string, problem: string | undefined): string | undefined {
  return problem === undefined ? undefined : `is ${JSON.stringify(value)}: ${problem}`;
}

/** Says what kind of value it is, not the value, which may be a secret. */
function wrong(wanted: string, value: PropertyValue): string {
  return `must be ${wanted}, not ${Array.isArray(value) ? "a list" : `of type ${typeof value}`}`;
}

/** Compares a program's inputs with the state, as the official provider plans. */
export function diff(type: ResourceType, state: PropertyMap, inputs: PropertyMap): DiffResult {
  const changes = Object.entries(type.fields).flatMap(([name, field]): [string, DiffKind][] => {
    const kind = field.kind === "computed" ? undefined : change(field, state[name], inputs[name] ?? field.default);
    return kind === undefined ? [] : [[name, kind]];
  });
  return { detailedDiff: Object.fromEntries(changes) };
}

/** The inputs with every property that `ignoreChanges` names as it is in the state. */
export function ignoring(paths: readonly string[], state: PropertyMap, inputs: PropertyMap): PropertyMap {
  const names = new Set(paths.map((path) => path.split(/[.[]/, 1)[0] ?? path));
  const kept = Object.entries(inputs).filter(([name]) => !names.has(name) && !names.has("*"));
  const ignored = Object.entries(state).filter(([name]) => names.has(name) || names.has("*"));
  return Object.fromEntries([...kept, ...ignored]);
}

/** What a preview shows of a resource that is created, or updated from `state`. */
export function planned(type: ResourceType, inputs: PropertyMap, state?: PropertyMap): PropertyMap {
  const entries = Object.entries(type.fields).flatMap(([name, field]): [string, PropertyValue][] => {
    const value = plannedValue(field, inputs[name], state?.[name], state !== undefined);
    if (value === undefined || value === null) return [];
    return [[name, field.secret === true ? secret(value) : value]];
  });
  return Object.fromEntries(entries);
}

function plannedValue(
  field: Field,
  input: PropertyValue | undefined,
  before: PropertyValue | undefined,
  isUpdate: boolean,
): PropertyValue | undefined {
  if (input !== undefined || field.kind === "required" || field.kind === "optional") return input;
  if (field.default !== undefined) return field.default;
  return field.stable === true && isUpdate ? before : unknown;
}

function change(
  field: Field,
  before: PropertyValue | undefined,
  after: PropertyValue | undefined,
): DiffKind | undefined {
  const [old, wanted] = [comparable(field, before), comparable(field, after)];
  if (wanted === undefined) {
    // What the program leaves to the API is as the API has it.
    if (old === undefined || field.kind === "settled") return undefined;
    // Parameters of a trigger can be changed but not cleared.
    return field.replaces === true || field.type === "object" ? "delete-replace" : "delete";
  }
  if (!hasUnknown(wanted) && isDeepStrictEqual(old, wanted)) return undefined;
  const kind = old === undefined ? "add" : "update";
  return field.replaces === true ? `${kind}-replace` : kind;
}

/** Secrets opened, the order of a set made one. An empty text differs from none, as it does for the official provider. */
function comparable(field: Field, value: PropertyValue | undefined): PropertyValue | undefined {
  if (value === undefined || value === null) return undefined;
  const plain = reveal(value);
  if (field.type === "object" && isMap(plain) && Object.keys(plain).length === 0) return undefined;
  return field.type === "strings" && Array.isArray(plain)
    ? [...new Set(plain.map(String))].toSorted((a, b) => (a < b ? -1 : 1))
    : plain;
}
