import { existsSync } from "node:fs";
import { z } from "zod";
import { schemaProblems } from "../../core/problem.ts";
import { readStackFile } from "../../stacks/stack-file.ts";
import { CommandError } from "../command.ts";

/**
 * The part of an environment's stack file that a command needs; the rest of the file is the program's.
 * @returns `undefined`: there is no such file in the current directory
 * @throws CommandError with all that is wrong in that part
 */
export function readStackSettings<T extends z.ZodObject>(name: string, schema: T): z.infer<T> | undefined {
  const file = `stacks/Pulumi.${name}.yaml`;
  if (!existsSync(file)) return undefined;
  const needed = new Set(Object.keys(schema.shape).map((key) => `delivery:${key}`));
  const entries = Object.entries(readStackFile(name)).filter(([key]) => needed.has(key));
  const settings = Object.fromEntries(
    entries.map(([key, value]) => [key.slice("delivery:".length), unquoted(value, key)]),
  );
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data;
  const problems = schemaProblems(file, parsed.error, settings).map(
    ({ location, message }) => `${location}: ${message}`,
  );
  throw new CommandError(problems.join("\n       "));
}

/** `pulumi config set` puts quotes around the version when it writes the file anew. */
function unquoted(value: unknown, key: string): unknown {
  return key === "delivery:schemaVersion" && typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
}
