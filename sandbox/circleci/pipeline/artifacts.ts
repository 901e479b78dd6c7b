import { existsSync, statSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pathInJob, type JobWorld, type Print, type StepEnd } from "./job-world.ts";

/**
 * Keeps files beside the job's log, for people to look at.
 *
 * @param kind the folder that they get into
 */
export async function storeFiles(
  world: JobWorld,
  kind: "artifacts" | "test-results",
  { path, destination }: { path: string; destination?: string | undefined },
  print: Print,
): Promise<StepEnd> {
  const from = pathInJob(world, path);
  if (!existsSync(from)) {
    print(`${from}: there is nothing\n`);
    return { status: "success" };
  }
  const name = destination ?? (statSync(from).isDirectory() ? "" : basename(from));
  const to = join(world.logFolder, kind, join("/", name));
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
  print(`Kept in ${to}\n`);
  return { status: "success" };
}
