import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Problem } from "../../core/problem.ts";
import { renamedKeyProblems, settingsProblems } from "../../core/schema-version.ts";
import { withValueProblems } from "../../core/setting-values.ts";
import { parseSettings } from "../../core/yaml.ts";
import { settingsLayerSchema, type SettingsLayer } from "./service.ts";

/** The file beside a service's Dockerfile in which it says what it needs, unless the stack file names another. */
export const serviceFile = "service.yaml";

/** The file that says what a service needs; `undefined`: it has none. A manifest of Kubernetes by that name is no such file. */
export function settingsFile(directory: string, name: string = serviceFile): string | undefined {
  const file = join(directory, name);
  return existsSync(file) && !isManifest(file) ? file : undefined;
}

function isManifest(file: string): boolean {
  if (!statSync(file).isFile()) return false;
  const text = readFileSync(file, "utf8");
  return /^apiVersion:/m.test(text) && /^kind:/m.test(text);
}

/** What a service says of itself. @param problems what is wrong with it is added */
export function readSettings(directory: string, problems: Problem[], name: string = serviceFile): SettingsLayer {
  const file = settingsFile(directory, name);
  if (file === undefined) {
    const similar = join(
      directory,
      name.endsWith(".yml") ? name.replace(/yml$/, "yaml") : name.replace(/yaml$/, "yml"),
    );
    if (existsSync(similar))
      problems.push({
        location: similar,
        message: `is not read; call it ${name}, or something else altogether`,
      });
    return {};
  }
  if (!isFile(file, problems)) return {};
  const content = parseSettings(readFileSync(file, "utf8"));
  if ("problem" in content) {
    problems.push({ location: file, message: content.problem });
    return {};
  }
  const input = content.value ?? {};
  const parsed = settingsLayerSchema.safeParse(input);
  const found = parsed.success ? [] : settingsProblems("service", file, parsed.error, input);
  problems.push(...withValueProblems(file, input, found));
  return parsed.data ?? {};
}

/** The keys in a service's file that have another name by now; nothing else in it is looked at. */
export function renamedSettings(directory: string, name: string = serviceFile): Problem[] {
  const file = settingsFile(directory, name);
  if (file === undefined || !statSync(file).isFile()) return [];
  const content = parseSettings(readFileSync(file, "utf8"));
  return "problem" in content ? [] : renamedKeyProblems("service", file, content.value);
}

/** @param problems what else is there is added */
export function isFile(path: string, problems: Problem[]): boolean {
  if (statSync(path).isFile()) return true;
  problems.push({ location: path, message: "is no file; put one in its place, or give this another name" });
  return false;
}
