import { parse } from "yaml";

/** What a text in YAML says; or why it says nothing, as part of a message that names the file. */
export function parseYaml(text: string): { readonly value: unknown } | { readonly fault: string } {
  try {
    // Errors of syntax are thrown, and so are those that come up only when aliases are resolved. Warnings would be printed.
    const value: unknown = parse(text, { logLevel: "error" });
    return { value };
  } catch (error) {
    return { fault: `is not YAML: ${error instanceof Error ? error.message.trimEnd() : String(error)}` };
  }
}
