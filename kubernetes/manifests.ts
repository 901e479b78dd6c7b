import { parseAllDocuments, type TagId, type Tags } from "yaml";
import { errorMessage } from "../core/error.ts";
import { isMap, valueAt, type JsonValue } from "./json.ts";
import { kindOf, listAt, nameOf, stringAt, type KubernetesObject } from "./object.ts";

/**
 * The objects in a file of manifests: documents of YAML, or JSON; lists of objects are taken apart.
 * @returns or what is wrong with it, as part of a message that names the file
 */
export function parseManifests(text: string): { objects: KubernetesObject[] } | { problem: string } {
  const parsed = documentsOf(text);
  if ("problem" in parsed) return parsed;
  const objects: KubernetesObject[] = [];
  for (const [index, document] of parsed.documents.entries()) {
    const found = objectsIn(document);
    if (found === undefined)
      return {
        problem: `has something that is no Kubernetes object, as document ${index + 1}: ${excerpt(document)}${lack(document)}`,
      };
    objects.push(...found);
  }
  return objects.length === 0 ? { problem: "has no Kubernetes object in it" } : { objects };
}

function documentsOf(text: string): { documents: JsonValue[] } | { problem: string } {
  const json = jsonOf(text);
  if (json !== undefined) return { documents: [json] };
  try {
    const documents = parseAllDocuments(text, { version: "1.1", customTags: jsonTags, logLevel: "error" });
    const fault = documents.flatMap(({ errors }) => errors)[0];
    if (fault !== undefined) return { problem: `is not YAML: ${fault.message.trimEnd()}` };
    // Kubernetes objects are JSON. Empty documents are common at the ends of generated files.
    const values = documents.map((document) => document.toJS() as JsonValue | undefined);
    return { documents: values.filter((value) => value !== null && value !== undefined) };
  } catch (error) {
    return { problem: `is not YAML: ${errorMessage(error)}` };
  }
}

/** JSON, which is many times faster to read. @returns `undefined` for YAML, which may begin with a brace, too */
function jsonOf(text: string): JsonValue | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{")) return undefined;
  try {
    return JSON.parse(trimmed) as JsonValue;
  } catch {
    return undefined;
  }
}

/** kubectl follows YAML 1.1, but for what JSON has no type for: a date or `12:30` is a string. */
function jsonTags(tags: Tags): Tags {
  return tags.filter(
    (tag: TagId | Exclude<Tags[number], string>) =>
      typeof tag === "string" || (!/:(timestamp|binary|omap|pairs|set)$/.test(tag.tag) && tag.format !== "TIME"),
  );
}

/** The object, or those of a list. @returns `undefined` if it is neither */
function objectsIn(document: JsonValue): KubernetesObject[] | undefined {
  if (!isMap(document)) return undefined;
  const { apiVersion, kind } = kindOf(document);
  if (apiVersion === "" || kind === "") return undefined;
  if (!kind.endsWith("List") || !Array.isArray(document["items"]))
    return nameOf(document) === "" ? undefined : [document];
  const items = listAt(document, "items").map(objectsIn);
  return items.includes(undefined) ? undefined : items.flatMap((objects) => objects ?? []);
}

/** What an object lacks, or the first of a list that lacks something; empty for what is none at all. */
function lack(document: JsonValue): string {
  if (!isMap(document)) return "";
  if (Array.isArray(document["items"])) {
    const index = document["items"].findIndex((item) => objectsIn(item) === undefined);
    return index < 0 ? "" : `, of which item ${index + 1} is none${lack(document["items"][index] ?? null)}`;
  }
  const field = [["apiVersion"], ["kind"], ["metadata", "name"]].find(
    (path) => stringAt(document, ...path) === undefined,
  );
  if (field === undefined) return "";
  const value = valueAt(document, ...field);
  const name = field.join(".");
  return value === undefined
    ? `, which has no ${name}`
    : `, whose ${name} is ${JSON.stringify(value)}; put it in quotes`;
}

function excerpt(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
