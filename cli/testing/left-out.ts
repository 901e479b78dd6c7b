import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Surroundings } from "../command.ts";

// Faulty packages are kept: `go test` says what is wrong with them.
const template =
  "{{if and .IgnoredGoFiles (not (or .GoFiles .CgoFiles .TestGoFiles .XTestGoFiles .InvalidGoFiles))}}{{.Dir}}{{end}}";

/**
 * Of packages, those that constraints leave nothing of in a build on this machine, with its settings: `go test` fails for
 * them, unless a pattern such as `./...` names them.
 * @param packages as Go takes them in the directory
 */
export async function leftOut(
  packages: readonly string[],
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
  { signal }: Surroundings,
): Promise<ReadonlySet<string>> {
  if (packages.length === 0) return new Set();
  const options = { cwd: directory, env: environment, signal };
  const listed = await promisify(execFile)("go", ["list", "-e", "-f", template, ...packages], options).catch(
    // What keeps it from an answer, keeps `go test` from starting.
    () => ({ stdout: "" }),
  );
  const directories = new Set(
    listed.stdout
      .split("\n")
      .filter(Boolean)
      .map((path) => realpathSync(path)),
  );
  return new Set(packages.filter((argument) => directories.has(realpathSync(join(directory, argument)))));
}
