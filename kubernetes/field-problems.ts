import { fieldType, objectType, typeOfKind, type FieldType, type ScalarType } from "./schema.ts";
import { isMap } from "../core/yaml.ts";

/** What is wrong at one place in an object. */
export interface FieldProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * What the API server would not take, or take and ignore: fields that the kind does not have, values of other types, and what is
 * missing. Kinds that are not Kubernetes' own have no problems, since only their cluster knows them.
 */
export function fieldProblems(apiVersion: string, kind: string, object: object): FieldProblem[] {
  const type = typeOfKind(apiVersion, kind);
  return type === undefined ? [] : problemsAt(object, type, []);
}

function problemsAt(value: unknown, type: FieldType, path: FieldProblem["path"]): FieldProblem[] {
  // Null is not there at all.
  if (value === null || value === undefined || type.is === "any") return [];
  if (type.is === "list") {
    if (!Array.isArray(value)) return [{ path, message: `${shown(value)}: must be a list` }];
    return value.flatMap((item, index) => problemsAt(item, type.of, [...path, index]));
  }
  if (type.is === "map" || type.is === "object") {
    if (!isMap(value)) return [{ path, message: `${shown(value)}: must be a map of keys and values` }];
    const entries = Object.entries(value);
    if (type.is === "map") return entries.flatMap(([key, item]) => problemsAt(item, type.of, [...path, key]));
    const inner = entries.flatMap(([field, item]) => {
      const known = fieldType(type, field);
      return known === undefined ? [unknownField(type.name, field, path)] : problemsAt(item, known, [...path, field]);
    });
    const missing = (objectType(type.name).required ?? []).filter((field) => value[field] == null);
    return [...inner, ...missing.map((field) => ({ path: [...path, field], message: "missing; add it" }))];
  }
  if (type.is === "enum") {
    // An empty text stands for the default.
    if (value === "" || (isText(value) && type.values.includes(value))) return [];
    return [{ path, message: `${shown(value)}: ${enumProblem(value, type.values)}` }];
  }
  const message = scalarProblem(value, type.is);
  return message === undefined ? [] : [{ path, message: `${shown(value)}: ${message}` }];
}

function unknownField(type: string, field: string, path: FieldProblem["path"]): FieldProblem {
  const known = Object.keys(objectType(type).fields);
  const similar = known.find((name) => name.toLowerCase() === field.toLowerCase()) ?? closest(field, known);
  const hint = similar === undefined ? `there are ${known.join(", ")}` : `did you mean ${similar}?`;
  return { path: [...path, field], message: `unknown field; ${hint}` };
}

/** The name that a slip of the pen has made this of: one letter more, less or other, or one swapped with its neighbour. */
function closest(text: string, names: readonly string[]): string | undefined {
  const variants = (name: string): string[] =>
    Array.from(name, (_letter, at) => [name.slice(0, at) + name.slice(at + 1), swapped(name, at)]).flat();
  const own = new Set([text, ...variants(text)]);
  return names.find((name) => [name, ...variants(name)].some((variant) => own.has(variant)));
}

function swapped(text: string, at: number): string {
  return `${text.slice(0, at)}${text.charAt(at + 1)}${text.charAt(at)}${text.slice(at + 2)}`;
}

function enumProblem(value: unknown, values: readonly string[]): string {
  const similar = isText(value) ? values.find((one) => one.toLowerCase() === value.toLowerCase()) : undefined;
  if (similar !== undefined) return `did you mean ${similar}?`;
  return values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(", ")}`;
}

/** Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const quantity = /^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

const int32 = 2 ** 31;

const checks: Readonly<Record<ScalarType, readonly [isRight: (value: unknown) => boolean, message: string]>> = {
  string: [isText, "must be a string; quote it"],
  int: [(value) => Number.isSafeInteger(value), "must be a whole number"],
  number: [(value) => typeof value === "number", "must be a number"],
  bool: [(value) => typeof value === "boolean", "must be true or false"],
  quantity: [
    (value) => (typeof value === "number" && Number.isFinite(value)) || (isText(value) && quantity.test(value)),
    "is no quantity; it takes a unit such as m for thousandths, Mi or Gi",
  ],
  "int-or-string": [
    (value) => isText(value) || (Number.isInteger(value) && Math.abs(Number(value)) < int32),
    "must be a whole number or a string",
  ],
  time: [
    (value) => isText(value) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value),
    "must be a point in time such as 2026-01-31T12:00:00Z",
  ],
  base64: [(value) => isText(value) && /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value), "must be encoded in base64"],
};

function scalarProblem(value: unknown, type: ScalarType): string | undefined {
  const [isRight, message] = checks[type];
  return isRight(value) ? undefined : message;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
