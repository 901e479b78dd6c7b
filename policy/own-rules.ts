import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { errorMessage } from "../core/error.ts";
import type { PolicyRule } from "./rule.ts";

/** Where the users of the program put rules of their own, relative to it. */
export const ownRulesDirectory = "policies";

const ruleSchema = z.looseObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/, "must be lower case letters, digits and '-'"),
  level: z.enum(["mandatory", "advisory"], "must be mandatory or advisory"),
  check: z.custom<PolicyRule["check"]>((value) => typeof value === "function", "must be a function"),
});

/**
 * Loads the rules of a folder: each file's default export is a rule, or a list of them.
 * @param taken the names that rules have already
 * @returns what is wrong with one of the files is a problem; then none of its rules is asked
 */
export async function loadOwnRules(
  directory: string,
  taken: readonly string[],
): Promise<{ rules: readonly PolicyRule[]; problems: readonly string[] }> {
  const files = existsSync(directory)
    ? readdirSync(directory).filter((name) => /\.(ts|js|mjs)$/.test(name) && !/\.(test|d)\.ts$/.test(name))
    : [];
  const names = new Set(taken);
  const rules: PolicyRule[] = [];
  const problems: string[] = [];
  for (const name of files.toSorted()) {
    const file = join(directory, name);
    const loaded = await loadFile(file);
    if ("problem" in loaded) {
      problems.push(`${file}: ${loaded.problem}`);
      continue;
    }
    for (const rule of loaded.rules) {
      if (names.has(rule.name)) problems.push(`${file}: there is a rule ${rule.name} already; rename this one`);
      else rules.push(rule);
      names.add(rule.name);
    }
  }
  return { rules, problems };
}

async function loadFile(file: string): Promise<{ rules: readonly PolicyRule[] } | { problem: string }> {
  try {
    const module: unknown = await import(pathToFileURL(resolve(file)).href);
    const exported: unknown = Reflect.get(Object(module), "default");
    if (exported === undefined) return { problem: "has no default export; export a rule, or a list of rules" };
    const parsed = z.array(ruleSchema).safeParse(Array.isArray(exported) ? exported : [exported]);
    if (parsed.success) return { rules: parsed.data };
    const [issue] = parsed.error.issues;
    const [index = 0, key = ""] = issue?.path ?? [];
    return { problem: `rule ${Number(index) + 1}: ${String(key)} ${issue?.message ?? "is invalid"}` };
  } catch (error) {
    return { problem: `cannot be loaded: ${errorMessage(error)}` };
  }
}
