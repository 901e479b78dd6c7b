import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Problem } from "../core/problem.ts";
import { renamedKeyProblems, settingsProblems } from "../core/schema-version.ts";
import { withValueProblems } from "../core/setting-values.ts";
import { parseYaml } from "../core/yaml.ts";
import { exposedPort } from "./dockerfile.ts";
import { portSchema, serviceSettingsSchema, type ServiceSettings } from "./service.ts";

/** The file beside a service's Dockerfile in which it says what it needs. */
const settingsName = "service.yaml";

/**
 * Whether a directory is that of a service. One without a Dockerfile is none, but one with a `service.yaml` means to be one.
 * @param problems what is wrong with it is added
 */
export function isService(directory: string, problems: Problem[]): boolean {
  const dockerfile = join(directory, "Dockerfile");
  if (existsSync(dockerfile)) return isFile(dockerfile, problems);
  const settings = settingsFile(directory);
  if (settings !== undefined)
    problems.push({ location: settings, message: "there is no Dockerfile beside it; add one, or remove the file" });
  return false;
}

/** The file that says what a service needs; `undefined`: it has none. */
export function settingsFile(directory: string): string | undefined {
  const file = join(directory, settingsName);
  return existsSync(file) ? file : undefined;
}

/** What a service says of itself. @param problems what is wrong with it is added */
export function readSettings(directory: string, problems: Problem[]): ServiceSettings {
  const file = settingsFile(directory);
  if (file === undefined) {
    const similar = join(directory, "service.yml");
    if (existsSync(similar))
      problems.push({
        location: similar,
        message: `is not read; call it ${settingsName}, or something else altogether`,
      });
    return {};
  }
  if (!isFile(file, problems)) return {};
  const content = parseYaml(readFileSync(file, "utf8"));
  if ("problem" in content) {
    problems.push({ location: file, message: content.problem });
    return {};
  }
  const input = content.value ?? {};
  const parsed = serviceSettingsSchema.safeParse(input);
  const found = parsed.success ? [] : settingsProblems("service", file, parsed.error, input);
  problems.push(...withValueProblems(file, input, found));
  return parsed.data ?? {};
}

/** The keys in a service's file that have another name by now; nothing else in it is looked at. */
export function renamedSettings(directory: string): Problem[] {
  const file = settingsFile(directory);
  if (file === undefined || !statSync(file).isFile()) return [];
  const content = parseYaml(readFileSync(file, "utf8"));
  return "problem" in content ? [] : renamedKeyProblems("service", file, content.value);
}

/**
 * The port that a service's Dockerfile exposes.
 * @returns `undefined`: there is none, which is a problem like any other
 */
export function readExposedPort(directory: string, problems: Problem[]): number | undefined {
  const location = join(directory, "Dockerfile");
  const port = exposedPort(readFileSync(location, "utf8"));
  if (port === undefined)
    problems.push({
      location: location,
      message: `has no EXPOSE with a number; add one, or set \`port\` in ${settingsName}`,
    });
  else if (!portSchema.safeParse(port).success)
    problems.push({ location: location, message: `EXPOSE ${port}: a port is 1 to 65535` });
  return port;
}

function isFile(path: string, problems: Problem[]): boolean {
  if (statSync(path).isFile()) return true;
  problems.push({ location: path, message: "is no file; put one in its place, or give this another name" });
  return false;
}
