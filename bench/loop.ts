import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stepDurations, type Job } from "../circleci/pipelines.ts";
import { findEnvironment } from "../cli/project/environment.ts";
import { Project } from "../cli/project/stack-file.ts";
import { commitReleases } from "../git/records.ts";
import { openRoute } from "../sandbox/commands/demo/demo.ts";
import { nextVersion } from "../sandbox/commands/demo/edit.ts";
import { cloneSource, commitEdits, push, type Clone } from "../sandbox/commands/demo/developer-clone.ts";
import { circleCiOf } from "../sandbox/commands/demo/follow-pipeline.ts";
import { followCommit, untilDesired, untilRolledOut, type Route } from "../sandbox/commands/demo/follow-commit.ts";
import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import { up } from "../sandbox/commands/up.ts";
import { ensureCredentials, gitUsers } from "../sandbox/machine/credentials.ts";
import { loadEndpoints } from "../sandbox/machine/endpoints.ts";
import { startRemoteDocker } from "../sandbox/machine/images/buildkit.ts";
import { packageSources } from "../sandbox/machine/images/mirror/start.ts";
import type { BuildEndpoints } from "../test/support/delivery-build.ts";
import { buildBaseline, repositoryOf } from "./baseline.ts";
import { builderTools } from "./build.ts";
import { median, type Figure } from "./figure.ts";
import { withStateDirectory } from "./state-directory.ts";

export const service = "link";
const file = "examples/delinkcious/svc/link_service/main.go";
const limitMilliseconds = 10 * 60_000;

/** A commit on its way to the cluster; times in seconds. */
interface Journey {
  readonly commit: string;
  /** From just before the push until only pods of the new image are left, and ready. */
  readonly total: number;
  readonly build: number;
  readonly images: number;
  readonly stages: Stages;
}

/** Where the time goes, stage by stage: each ends where the next one begins. In seconds. */
type Stages = Readonly<Record<string, number>>;

/**
 * How long a commit that changes one of the example's five services takes to the cluster, and how much of that is not the
 * build. It is compared with the baseline without a CI: nothing is tested or checked out, all five services are built, pushed
 * and released.
 */
export async function benchLoop(report: (line: string) => void): Promise<Figure[]> {
  return withStateDirectory("loop", report, async (stateDir) => {
    const { outputs } = await up({ stateDir, pods: "auto", report });
    return measureCommits(stateDir, outputs, 3, report);
  });
}

/** Measures commits in a sandbox that is up. @param outputs of its stack */
export async function measureCommits(
  stateDir: string,
  outputs: OutputMap,
  rounds: number,
  report: (line: string) => void,
): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), "delivery-bench-developer-"));
  try {
    const endpoints = loadEndpoints(stateDir);
    if (endpoints?.sourceRepository === undefined)
      throw new Error(`${stateDir}: the sandbox is up, but has no source repository`);
    const { gitWriteToken: token, registryPassword: password } = ensureCredentials(stateDir);
    const clone: Clone = { url: endpoints.sourceRepository, user: gitUsers.writer, token, directory };
    const route = openRoute(stateDir, outputs, service);
    const { tools, runc, busybox } = await builderTools(report);
    const { registryHost } = endpoints;
    const remoteDocker = await startRemoteDocker(
      { stateDir, tools, runc, busybox, registryHost, packageSources: packageSources() },
      report,
    );
    const location = { buildKit: remoteDocker, registryHost, password };
    await cloneSource(clone);
    const journeys: Journey[] = [];
    const baselines: Stages[] = [];
    // In turns, so that other load on the machine is shared by both; the first round only fills caches.
    for (let round = 0; round <= rounds; round++) {
      const journey = await followEdit(route, clone);
      const baseline = await followBaseline(route, clone, journey.commit, location);
      report(
        `commit ${round} of ${rounds}: ${journey.total.toFixed(1)} s, of it building ${journey.images} image ${journey.build.toFixed(1)} s; all as the baseline does ${secondsOf(baseline).toFixed(1)} s`,
      );
      if (round === 0) continue;
      journeys.push(journey);
      baselines.push(baseline);
    }
    report(`by CI: ${described(journeys.map(({ stages }) => stages))}`);
    report(`as the baseline does: ${described(baselines)}`);
    return [...figures(journeys), comparison(journeys, baselines)];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function figures(journeys: readonly Journey[]): Figure[] {
  const total = median(journeys.map((journey) => journey.total));
  const name = "commit → new pods, 1 of 5 services changed";
  return [
    {
      name: "images built by that commit",
      value: Math.max(...journeys.map(({ images }) => images)),
      unit: "images",
      limit: 1,
    },
    {
      name: `${name}, all but the build`,
      value: median(journeys.map(({ total: all, build }) => all - build)),
      unit: "s",
      limit: 5,
    },
    { name, value: total, unit: "s", limit: median(journeys.map(({ build }) => build)) + 5 },
  ];
}

function secondsOf(stages: Stages): number {
  return Object.values(stages).reduce((sum, seconds) => sum + seconds, 0);
}

/** Medians of each stage. */
function described(all: readonly Stages[]): string {
  return Object.keys(all[0] ?? {})
    .map((stage) => `${stage} ${median(all.map((stages) => stages[stage] ?? 0)).toFixed(2)} s`)
    .join(", ");
}

function comparison(journeys: readonly Journey[], baselines: readonly Stages[]): Figure {
  const value = median(journeys.map((journey) => journey.total)) / median(baselines.map(secondsOf));
  return { name: "the same, tested by CI / all as the baseline does, untested", value, unit: "×", limit: 1 };
}

/** Edits the service, pushes, and waits until its pods run. */
export async function followEdit(route: Route, clone: Clone): Promise<Journey> {
  const commit = await commitEdits(clone, [{ file, change: nextVersion }], `${service}: count the version up`);
  const builds: number[] = [];
  const jobs: Job[] = [];
  const marks: Record<string, number> = {};
  const start = Date.now();
  await push(clone);
  await followCommit(
    route,
    commit,
    (event) => {
      if (event.kind === "synced" || event.kind === "running") marks[event.kind] = Date.now();
      if (event.kind === "ended") jobs.push(event.job);
      if (event.kind === "ended" && event.job.name.startsWith("build-") && event.job.number !== undefined)
        builds.push(event.job.number);
    },
    AbortSignal.timeout(limitMilliseconds),
  );
  const seconds = await Promise.all(builds.map((number) => buildSeconds(route, number)));
  const stages = stagesOf(start, jobs, marks);
  return { commit, total: secondsOf(stages), build: Math.max(...seconds), images: builds.length, stages };
}

/** @param marks when the Deployment had the new image, and when only its pods were left */
function stagesOf(start: number, jobs: readonly Job[], marks: Readonly<Record<string, number>>): Stages {
  const named = (pattern: RegExp): Job[] => jobs.filter(({ name }) => pattern.test(name));
  const ends = {
    "until plan starts": Math.min(...named(/^plan$/).map(({ startedAt = Number.NaN }) => startedAt)),
    plan: Math.max(...named(/^plan$/).map(({ stoppedAt = Number.NaN }) => stoppedAt)),
    "tests and builds": Math.max(...named(/^(test|build)-/).map(({ stoppedAt = Number.NaN }) => stoppedAt)),
    release: Math.max(...named(/^release-/).map(({ stoppedAt = Number.NaN }) => stoppedAt)),
    "Argo CD": marks["synced"] ?? Number.NaN,
    pods: marks["running"] ?? Number.NaN,
  };
  return spans(start, ends);
}

/** @param ends what comes to its end when, in this order */
function spans(start: number, ends: Readonly<Record<string, number>>): Stages {
  const times = Object.entries(ends);
  return Object.fromEntries(times.map(([name, end], index) => [name, (end - (times[index - 1]?.[1] ?? start)) / 1000]));
}

async function buildSeconds(route: Route, job: number): Promise<number> {
  const ci = circleCiOf(route.ci);
  const durations = await stepDurations(ci, ci.projectSlug, job, AbortSignal.timeout(limitMilliseconds));
  const milliseconds = durations.get("Build and push");
  if (milliseconds === undefined) throw new Error(`job ${job} of ${ci.projectSlug} has no step "Build and push"`);
  return milliseconds / 1000;
}

/**
 * From an edit of the same service until its pods run.
 * @param sourceCommit the last one: without it, the next pipeline would take all services for changed
 */
async function followBaseline(
  route: Route,
  { directory }: Clone,
  sourceCommit: string,
  location: BuildEndpoints,
): Promise<Stages> {
  const path = join(directory, file);
  writeFileSync(path, nextVersion(readFileSync(path, "utf8")));
  const start = Date.now();
  const digests = await buildBaseline(directory, location);
  const built = Date.now();
  const environment = findEnvironment(new Project(), "sandbox", { repository: route.deploy.repository });
  await commitReleases({
    ...environment,
    choose: () =>
      [...digests].map(([name, digest]) => ({
        service: name,
        digest,
        sourceCommit,
        // Not that of the stack file, which does not know the port of this sandbox's registry.
        repository: repositoryOf(location.registryHost, name),
      })),
    describe: () => ({ subject: "release(sandbox): all, as the baseline does" }),
  });
  const released = Date.now();
  const digest = digests.get(service) ?? "";
  const limit = AbortSignal.timeout(limitMilliseconds);
  await untilDesired(route.rollout, digest, limit);
  const synced = Date.now();
  await untilRolledOut(route.rollout, digest, limit);
  const stages = spans(start, { builds: built, release: released, "Argo CD": synced, pods: Date.now() });
  // The next round must not be slowed down by what this one still rolls out.
  for (const [name, other] of digests) await untilRolledOut({ ...route.rollout, service: name }, other, limit);
  return stages;
}
