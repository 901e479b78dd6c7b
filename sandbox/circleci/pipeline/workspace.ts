import { existsSync, globSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathInJob, type JobWorld, type Print, type StepEnd } from "./job-world.ts";
import { jobsBefore } from "./progress.ts";

/** Keeps files for the jobs that require this one. */
export async function persistToWorkspace(
  world: JobWorld,
  { root, paths }: { root: string; paths: readonly string[] },
  print: Print,
): Promise<StepEnd> {
  const from = pathInJob(world, root);
  const found = existsSync(from) ? paths.flatMap((path) => globSync(path, { cwd: from })) : [];
  if (found.length === 0) {
    print(`The specified paths did not match any files in ${from}\n`);
    return { status: "failed" };
  }
  const layer = layerOf(world, world.job.name);
  for (const path of new Set(found)) {
    await mkdir(dirname(join(layer, path)), { recursive: true });
    await copy(join(from, path), join(layer, path));
    print(`${path}\n`);
  }
  return { status: "success" };
}

/** Adds what the jobs before this one have kept, the later jobs' files over the earlier ones'. */
export async function attachWorkspace(world: JobWorld, at: string, print: Print): Promise<StepEnd> {
  const target = pathInJob(world, at);
  await mkdir(target, { recursive: true });
  const layers = jobsBefore(world.job, world.workflow.jobs).filter(({ name }) => existsSync(layerOf(world, name)));
  for (const { name } of layers) {
    await copy(layerOf(world, name), target);
    print(`Applied what ${name} has kept\n`);
  }
  return { status: "success" };
}

function layerOf({ pipelineFolder, workflow }: JobWorld, job: string): string {
  return join(pipelineFolder, "workspaces", workflow.workspaceId, encodeURIComponent(job));
}

async function copy(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}
