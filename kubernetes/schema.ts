import { readFileSync } from "node:fs";
import { z } from "zod";

/** What a field of an object may hold. */
export type FieldType =
  | { readonly is: ScalarType }
  /** One of these texts. */
  | { readonly is: "enum"; readonly values: readonly string[] }
  /** Anything: Kubernetes itself says no more of it. */
  | { readonly is: "any" }
  | { readonly is: "map"; readonly of: FieldType }
  | { readonly is: "list"; readonly of: FieldType; readonly merge: ListMerge }
  | { readonly is: "object"; readonly name: string };

export type ScalarType = "string" | "int" | "number" | "bool" | "quantity" | "int-or-string" | "time" | "base64";

/** How a patch changes a list: by the items with the same key, as a set, or as a whole. */
export type ListMerge = { readonly key: string } | "set" | "replace";

/** What Kubernetes knows of one of its types. */
export interface ObjectType {
  readonly fields: Readonly<Record<string, string>>;
  readonly required?: readonly string[] | undefined;
}

/**
 * The types of Kubernetes' own objects that are in a namespace, which is all that a service consists of.
 * @param apiVersion e.g. `apps/v1`
 * @returns `undefined`: the kind is not one of them
 */
export function typeOfKind(apiVersion: string, kind: string): FieldType | undefined {
  const name = schema().kinds[`${apiVersion}/${kind}`];
  return name === undefined ? undefined : { is: "object", name };
}

/** Whether the kinds of an API version are known, all that are in a namespace: what is not among them is no kind of it. */
export function isKnownVersion(apiVersion: string): boolean {
  return Object.keys(schema().kinds).some((kind) => kind.slice(0, kind.lastIndexOf("/")) === apiVersion);
}

/** @throws Error for a name that no `FieldType` has */
export function objectType(name: string): ObjectType {
  const type = schema().types[name];
  if (type === undefined) throw new Error(`Kubernetes has no type ${name}`);
  return type;
}

/** The type of a field; `undefined`: there is no such field. */
export function fieldType(type: FieldType | undefined, field: string): FieldType | undefined {
  if (type === undefined || type.is === "any") return type;
  if (type.is === "map") return type.of;
  if (type.is !== "object") return undefined;
  const { fields } = objectType(type.name);
  const word = Object.hasOwn(fields, field) ? fields[field] : undefined;
  return word === undefined ? undefined : readWord(word);
}

/**
 * `[name]core.v1.Container` is a list of containers that are merged by their names, `{}string` a map of texts, and
 * `<Always|Never>` one of two texts.
 */
function readWord(word: string): FieldType {
  const [, key, item = ""] = /^\[([^\]]*)\](.*)$/.exec(word) ?? [];
  if (key !== undefined)
    return { is: "list", of: readWord(item), merge: key === "" ? "replace" : key === "=" ? "set" : { key } };
  if (word.startsWith("<")) return { is: "enum", values: word.slice(1, -1).split("|") };
  if (word.startsWith("{}")) return { is: "map", of: readWord(word.slice(2)) };
  if (word === "any") return { is: "any" };
  return isScalar(word) ? { is: word } : { is: "object", name: word };
}

const scalars: readonly string[] = [
  "string",
  "int",
  "number",
  "bool",
  "quantity",
  "int-or-string",
  "time",
  "base64",
] satisfies ScalarType[];

function isScalar(word: string): word is ScalarType {
  return scalars.includes(word);
}

const schemaSchema = z.object({
  kinds: z.record(z.string(), z.string()),
  types: z.record(
    z.string(),
    z.object({ fields: z.record(z.string(), z.string()), required: z.array(z.string()).optional() }),
  ),
});

const loaded: { schema?: z.infer<typeof schemaSchema> } = {};

/**
 * Made from the OpenAPI of the Kubernetes release that the tests run, by the test that compares the two: 57 kB in place of 2 MB.
 * Read when it is first asked for, since most stacks never ask.
 */
function schema(): z.infer<typeof schemaSchema> {
  loaded.schema ??= schemaSchema.parse(JSON.parse(readFileSync(new URL("schema.json", import.meta.url), "utf8")));
  return loaded.schema;
}
