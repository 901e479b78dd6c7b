import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { errorMessage } from "../../core/error.ts";
import { digestSchema } from "../../git/release-record.ts";
import { CommandError } from "../command.ts";

/** Which image of which service: what a build has pushed, and a release takes. */
export type Digests = Readonly<Record<string, string>>;

const digestsSchema = z.record(z.string(), digestSchema);

/**
 * @param file a directory: all files in it, as parallel jobs have left them; `-`: standard input
 * @throws CommandError with all that is wrong in it
 */
export async function readDigests(file: string, input: () => Promise<string>): Promise<Digests> {
  if (file === "-") return parsed("standard input", await input());
  const files = attempt(file, () =>
    statSync(file).isDirectory()
      ? readdirSync(file)
          .filter((name) => name.endsWith(".json"))
          .map((name) => join(file, name))
      : [file],
  );
  const found = files.flatMap((path) =>
    Object.entries(
      parsed(
        path,
        attempt(path, () => readFileSync(path, "utf8")),
      ),
    ).map(([service, digest]) => ({ service, digest, path }) as const),
  );
  for (const { service, path } of found) {
    const twin = found.find((other) => other.service === service && other.path !== path);
    if (twin !== undefined)
      throw new CommandError(
        `${service} is in ${path} and in ${twin.path}; one digest can run: remove one of the files`,
      );
  }
  return Object.fromEntries(found.map(({ service, digest }) => [service, digest]));
}

function parsed(location: string, text: string): Digests {
  const digests = digestsSchema.safeParse(attempt(location, (): unknown => JSON.parse(text)));
  if (digests.success) return digests.data;
  const problems = digests.error.issues.map((issue) => `${location}: ${issue.path.join(".")}: ${issue.message}`);
  throw new CommandError(problems.join("\n       "));
}

function attempt<T>(location: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CommandError(`${location}: ${errorMessage(error)}; must be JSON such as {"link": "sha256:…"}`, {
      cause: error,
    });
  }
}

/** @param hint what to do then @throws CommandError if it cannot be written */
export function writeDigests(file: string, digests: Digests, hint: string): void {
  try {
    writeFileAtomically(file, `${JSON.stringify(digests)}\n`);
  } catch (error) {
    throw new CommandError(`${file} cannot be written (${errorMessage(error)}); ${hint}`, { cause: error });
  }
}
