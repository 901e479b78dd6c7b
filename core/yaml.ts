import { Document, parse, Scalar, visit } from "yaml";
import { errorMessage } from "./error.ts";

/** What a text in YAML says; or why it cannot be read, as part of a message that names the file. */
export function parseYaml(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    // Errors of syntax are thrown, and so are those that come up only when aliases are resolved. Warnings would be printed.
    const value: unknown = parse(text, { logLevel: "error" });
    return { value };
  } catch (error) {
    return { problem: `is not YAML: ${errorMessage(error).trimEnd()}` };
  }
}

/**
 * Data as a text that YAML 1.1 and 1.2 read alike. Kustomize, Argo CD, kubectl and Pulumi each follow 1.1 in part, and to them
 * `2024-01-01`, `1_000`, `0b11` or `on` are no strings: so every string is in quotes, and so is every key that is not plainly a
 * name. Numbers and booleans stay what they are.
 */
export function writeYaml(value: unknown): string {
  // Two objects that are the same one would become an anchor and an alias, which those tools treat in different ways.
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(key, node) {
      if (typeof node.value !== "string") return;
      node.type = key === "key" && isPlainKey(node.value) ? Scalar.PLAIN : Scalar.QUOTE_DOUBLE;
    },
  });
  // Each string stays on its line: folding it has rules of its own.
  return document
    .toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
    .replaceAll(unreadable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** What YAML wants escaped, and the library leaves as it is: control characters, line separators, byte order marks. */
const unreadable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** A name that no version of YAML takes for a number, a boolean or nothing. */
function isPlainKey(key: string): boolean {
  return /^[A-Za-z_][\w./-]*(:[\w./-]+)*$/.test(key) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(key);
}
