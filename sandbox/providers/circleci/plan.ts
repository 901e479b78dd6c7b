import { isDeepStrictEqual } from "node:util";
import { isMap } from "../../../kubernetes/json.ts";
import { hasUnknown, reveal, secret, unknown, type PropertyMap, type PropertyValue } from "../property.ts";
import type { DiffKind, DiffResult } from "../resource-provider.ts";
import type { Field, ResourceType } from "./resource-type.ts";

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
  const ignored = Object.entries(state).filter(([name]) => name in inputs && (names.has(name) || names.has("*")));
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

/** Secrets opened, the order of a set made one, and so the forms of nothing. */
function comparable(field: Field, value: PropertyValue | undefined): PropertyValue | undefined {
  if (value === undefined || value === null) return undefined;
  const plain = reveal(value);
  if (field.type === "object" && isMap(plain) && Object.keys(plain).length === 0) return undefined;
  return field.type === "strings" && Array.isArray(plain)
    ? [...new Set(plain.map(String))].toSorted((a, b) => (a < b ? -1 : 1))
    : plain;
}
