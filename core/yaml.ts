import { parse, parseDocument, visit, YAMLParseError } from "yaml";
import { errorMessage } from "./error.ts";

/** What a text in YAML says; or why it cannot be read, as part of a message that names the file. */
export function parseYaml(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    // Errors of syntax are thrown, and so are those that come up only when aliases are resolved. Warnings would be printed.
    // Pulumi and kubectl merge what `<<` names, as YAML 1.1 has it.
    const value: unknown = parse(text, { logLevel: "error", merge: true });
    return { value };
  } catch (error) {
    if (error instanceof YAMLParseError && error.code === "MULTIPLE_DOCS")
      return { problem: "has several documents, and one is read; remove the lines `---` between them" };
    return { problem: `is not YAML: ${errorMessage(error).trimEnd()}` };
  }
}

/**
 * What somebody has written in YAML for this program. Numbers with zeros before them are refused: `010` is 8 to Pulumi, which
 * follows YAML 1.1 here, 10 to YAML 1.2, and was most likely meant as a text.
 */
export function parseSettings(text: string): ReturnType<typeof parseYaml> {
  const parsed = parseYaml(text);
  if ("problem" in parsed) return parsed;
  const problems: string[] = [];
  visit(parseDocument(text, { logLevel: "silent" }), {
    Scalar: (_key, { type, source = "", range }) => {
      if (type !== "PLAIN" || !/^[-+]?0\d+$/.test(source)) return;
      const line = text.slice(0, range?.[0]).split("\n").length;
      problems.push(
        `line ${line}: ${source} is another number to YAML 1.1 than to 1.2; put it in quotes, or leave the zero out`,
      );
    },
  });
  return problems.length === 0 ? parsed : { problem: problems.join("; ") };
}

/** Whether what was read is a map, and no list. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Data as a text that YAML 1.1 and 1.2 read alike. Kustomize, Argo CD, kubectl and Pulumi each follow 1.1 in part, and to them
 * `2024-01-01`, `1_000`, `0b11` or `on` are no strings: so every string is in quotes, and so is every key that is not plainly a
 * name. Numbers and booleans stay what they are. Objects are plain ones; one that stands in two places is written twice, since
 * those tools treat aliases in different ways. A large stack writes thousands of texts, so no tree of nodes is made of them.
 */
export function writeYaml(value: unknown): string {
  return `${isCollection(value) ? lines(value, "").join("\n") : scalar(value)}\n`;
}

/** The lines of a map or list; those after the first are indented. */
function lines(collection: Collection, indentation: string): string[] {
  if (isEmpty(collection)) return [Array.isArray(collection) ? "[]" : "{}"];
  const deeper = `${indentation}  `;
  if (Array.isArray(collection))
    return collection.flatMap((item, index) => {
      const [first = "", ...rest] = isCollection(item) ? lines(item, deeper) : [scalar(item)];
      return [`${index === 0 ? "" : indentation}- ${first}`, ...rest];
    });
  return present(collection).flatMap(([name, item], index) => {
    const start = index === 0 ? "" : indentation;
    const key = isPlainKey(name) ? name : quoted(name);
    // A longer one would have to be marked as a key.
    if (key.length > longestKey) return [`${start}? ${key}`, ...below(`${indentation}:`, item, deeper)];
    return below(`${start}${key}:`, item, deeper);
  });
}

/** What a key has, after it or on lines of its own. */
function below(key: string, item: unknown, indentation: string): string[] {
  if (!isCollection(item)) return [`${key} ${scalar(item)}`];
  const [first = "", ...rest] = lines(item, indentation);
  return isEmpty(item) ? [`${key} ${first}`] : [key, `${indentation}${first}`, ...rest];
}

type Collection = readonly unknown[] | { readonly [key: string]: unknown };

function isCollection(value: unknown): value is Collection {
  return typeof value === "object" && value !== null;
}

function isEmpty(collection: Collection): boolean {
  return Array.isArray(collection) ? collection.length === 0 : present(collection).length === 0;
}

/** What is `undefined` is not there. */
function present(map: object): [name: string, value: unknown][] {
  return Object.entries(map).filter(([, value]) => value !== undefined);
}

/** @throws TypeError for what is neither text, nor number, nor boolean, nor nothing */
function scalar(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") {
    if (Number.isNaN(value)) return ".nan";
    return Number.isFinite(value) ? String(Object.is(value, -0) ? "-0" : value) : value < 0 ? "-.inf" : ".inf";
  }
  if (value === null || value === undefined) return "null";
  throw new TypeError(`a ${typeof value} cannot be written as YAML`);
}

/** Keys up to this length are simple ones. Source: https://yaml.org/spec/1.2.2/#simple-keys */
const longestKey = 1024;

/**
 * JSON's text in YAML's shorter escapes, in which the files of deploy repositories are written. YAML wants more characters
 * escaped: control characters, line separators, byte order marks.
 */
function quoted(text: string): string {
  const json = JSON.stringify(text);
  const escaped = json.includes("\\")
    ? json.replaceAll(/\\(?:u00([0-9a-f]{2})|.)| (?=\\n)/g, (whole, code?: string) =>
        whole === " " ? "\\ " : code === undefined ? whole : (shortEscapes[code] ?? `\\x${code}`),
      )
    : json;
  return escaped.replaceAll(unreadable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const shortEscapes: Readonly<Record<string, string>> = { "00": "\\0", "07": "\\a", "0b": "\\v", "1b": "\\e" };

const unreadable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** A name that no version of YAML takes for a number, a boolean or nothing. */
function isPlainKey(key: string): boolean {
  return /^[A-Za-z_][\w./-]*(:[\w./-]+)*$/.test(key) && !isReservedWord(key);
}

/** All texts in what was parsed; names of keys are none. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** A boolean or nothing, to some version of YAML. */
export function isReservedWord(text: string): boolean {
  return /^(y|n|yes|no|on|off|true|false|null)$/i.test(text);
}
