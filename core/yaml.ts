import { parse } from "yaml";
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
