import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stepDurations } from "../circleci/api.ts";
import { findEnvironment } from "../cli/project/environment.ts";
import { Project } from "../cli/project/stack-file.ts";
import { commitReleases } from "../git/records.ts";
import { openRoute } from "../sandbox/commands/demo/demo.ts";
import { nextVersion } from "../sandbox/commands/demo/edit.ts";
import { cloneSource, commitEdit, push, type Clone } from "../sandbox/commands/demo/developer-clone.ts";
import { followCommit, untilRolledOut, type Route } from "../sandbox/commands/demo/follow-commit.ts";
import { down } from "../sandbox/commands/down.ts";
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

const service = "link";
const file = "examples/delinkcious/svc/link_service/main.go";
const limitMilliseconds = 10 * 60_000;

/** A commit on its way to the cluster; times in seconds. */
interface Journey {
  /** From just before the push until only pods of the new image are left, and ready. */
  readonly total: number;
  readonly build: number;
  readonly images: number;
}

/**
 * How long a commit that changes one of the example's five services takes to the cluster, and how much of that is not the
 * build. It is compared with the baseline without a CI: nothing is tested or checked out, all five services are built, pushed
 * and released.
 */
export async function benchLoop(report: (line: string) => void): Promise<Figure[]> {
  const stateDir = mkdtempSync(join(tmpdir(), "delivery-bench-loop-"));
  try {
    const { outputs } = await up({ stateDir, pods: "auto", report });
    return await measureCommits(stateDir, outputs, 3, report);
  } finally {
    await down({ stateDir, purge: false, report });
    rmSync(stateDir, { recursive: true, force: true });
  }
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
    const baselines: number[] = [];
    // In turns, so that other load on the machine is shared by both; the first round only fills caches.
    for (let round = 0; round <= rounds; round++) {
      const journey = await followEdit(route, clone);
      const baseline = await followBaseline(route, clone, location);
      report(
        `commit ${round} of ${rounds}: ${journey.total.toFixed(1)} s, of it building ${journey.images} image ${journey.build.toFixed(1)} s; all as the baseline does ${baseline.toFixed(1)} s`,
      );
      if (round === 0) continue;
      journeys.push(journey);
      baselines.push(baseline);
    }
    const ratio = median(journeys.map(({ total }) => total)) / median(baselines);
    report(`commit → new pods, tested by CI / all five as the baseline does, untested: ${ratio.toFixed(2)} ×`);
    return figures(journeys);
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

async function followEdit(route: Route, clone: Clone): Promise<Journey> {
  const commit = await commitEdit(clone, file, nextVersion, `${service}: count the version up`);
  const builds: number[] = [];
  const running: number[] = [];
  const start = performance.now();
  await push(clone);
  await followCommit(
    route,
    commit,
    (event) => {
      if (event.kind === "running") running.push(performance.now());
      if (event.kind === "ended" && event.job.name.startsWith("build-") && event.job.number !== undefined)
        builds.push(event.job.number);
    },
    AbortSignal.timeout(limitMilliseconds),
  );
  const seconds = await Promise.all(builds.map((number) => buildSeconds(route, number)));
  return { total: ((running[0] ?? Number.NaN) - start) / 1000, build: Math.max(...seconds), images: builds.length };
}

async function buildSeconds({ ci }: Route, job: number): Promise<number> {
  const durations = await stepDurations(ci, ci.projectSlug, job, AbortSignal.timeout(limitMilliseconds));
  const milliseconds = durations.get("Build and push");
  if (milliseconds === undefined) throw new Error(`job ${job} of ${ci.projectSlug} has no step "Build and push"`);
  return milliseconds / 1000;
}

/** @returns seconds from an edit of the same service until its pods run */
async function followBaseline(route: Route, { directory }: Clone, location: BuildEndpoints): Promise<number> {
  const path = join(directory, file);
  writeFileSync(path, nextVersion(readFileSync(path, "utf8")));
  const start = performance.now();
  const digests = await buildBaseline(directory, location);
  const environment = findEnvironment(new Project(), "sandbox", { repository: route.deploy.repository });
  await commitReleases({
    ...environment,
    choose: () =>
      [...digests].map(([name, digest]) => ({
        service: name,
        digest,
        // Not that of the stack file, which does not know the port of this sandbox's registry.
        repository: repositoryOf(location.registryHost, name),
      })),
    describe: () => ({ subject: "release(sandbox): all, as the baseline does" }),
  });
  const digest = digests.get(service) ?? "";
  const limit = AbortSignal.timeout(limitMilliseconds);
  await untilRolledOut(route.rollout, digest, limit);
  const seconds = (performance.now() - start) / 1000;
  // The next round must not be slowed down by what this one still rolls out.
  for (const [name, other] of digests) await untilRolledOut({ ...route.rollout, service: name }, other, limit);
  return seconds;
}
