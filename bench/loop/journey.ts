import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import type { Job } from "../../circleci/pipelines.ts";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { openRoute } from "../../sandbox/commands/demo/demo.ts";
import { cloneSource, commitEdits, push, type Clone } from "../../sandbox/commands/demo/developer-clone.ts";
import { nextVersion } from "../../sandbox/commands/demo/edit.ts";
import { followCommit, type Route } from "../../sandbox/commands/demo/follow-commit.ts";
import { ensureCredentials, gitUsers } from "../../sandbox/machine/credentials.ts";
import { loadEndpoints } from "../../sandbox/machine/endpoints.ts";
import { buildSeconds } from "./build-seconds.ts";
import { secondsOf, stagesOf, withEvent, type SeenJobs, type Stages } from "./stages.ts";

export const service = "link";
/** What is edited of it. */
export const editedFile = "examples/delinkcious/svc/link_service/main.go";
export const limitMilliseconds = 10 * 60_000;

/** A commit on its way to the cluster; times in seconds. */
export interface Journey {
  readonly commit: string;
  /** From just before the push until only pods of the new image are left, and ready. */
  readonly total: number;
  readonly build: number;
  readonly images: number;
  readonly stages: Stages;
}

/** A developer's clone, and the way of its commits through a sandbox that is up. */
interface Developer extends Disposable {
  readonly clone: Clone;
  readonly route: Route;
}

/** @param outputs of the sandbox's stack */
export async function openDeveloper(stateDir: string, outputs: OutputMap): Promise<Developer> {
  const url = loadEndpoints(stateDir)?.sourceRepository;
  if (url === undefined) throw new Error(`${stateDir}: the sandbox is up, but has no source repository`);
  const { gitWriteToken: token } = ensureCredentials(stateDir);
  const directory = temporaryDirectory("delivery-bench-developer-");
  const clone: Clone = { url, user: gitUsers.writer, token, directory: directory.path };
  await cloneSource(clone);
  return {
    clone,
    route: openRoute(stateDir, outputs, service),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

/** Edits the service, pushes, and waits until its pods run. */
export async function followEdit(route: Route, clone: Clone): Promise<Journey> {
  const commit = await commitEdits(
    clone,
    [{ file: editedFile, change: nextVersion }],
    `${service}: count the version up`,
  );
  const builds: Job[] = [];
  const seen: { jobs: SeenJobs } = { jobs: new Map() };
  const marks: Record<string, number> = {};
  const start = Date.now();
  await push(clone);
  await followCommit(
    route,
    commit,
    (event) => {
      if (event.kind === "synced" || event.kind === "running") marks[event.kind] = Date.now();
      if (!("engine" in event)) return;
      seen.jobs = withEvent(seen.jobs, event, Date.now());
      if (event.kind === "ended" && event.job.name.startsWith("build-")) builds.push(event.job);
    },
    AbortSignal.timeout(limitMilliseconds),
  );
  const seconds = await Promise.all(builds.map((job) => buildSeconds(route.ci, job)));
  const stages = stagesOf(start, seen.jobs, marks);
  return { commit, total: secondsOf(stages), build: Math.max(...seconds), images: builds.length, stages };
}
