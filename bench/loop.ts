import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import { findEnvironment } from "../cli/project/environment.ts";
import { Project } from "../cli/project/stack-file.ts";
import { commitReleases } from "../git/records.ts";
import type { Clone } from "../sandbox/commands/demo/developer-clone.ts";
import { nextVersion } from "../sandbox/commands/demo/edit.ts";
import { untilDesired, untilRolledOut, type Route } from "../sandbox/commands/demo/follow-commit.ts";
import type { Report } from "../sandbox/commands/progress.ts";
import { up } from "../sandbox/commands/up.ts";
import { ensureCredentials } from "../sandbox/machine/credentials.ts";
import { loadEndpoints } from "../sandbox/machine/endpoints.ts";
import { startRemoteDocker } from "../sandbox/machine/images/buildkit.ts";
import { packageSources } from "../sandbox/machine/images/mirror/start.ts";
import type { BuildEndpoints } from "../test/support/delivery-build.ts";
import { buildBaseline, repositoryOf } from "./baseline.ts";
import { builderTools } from "./build.ts";
import { median, type Figure } from "./figure.ts";
import { editedFile, followEdit, limitMilliseconds, openDeveloper, service, type Journey } from "./loop/journey.ts";
import { described, secondsOf, spans, type Stages } from "./loop/stages.ts";
import { withStateDirectory } from "./state-directory.ts";

/**
 * How long a commit that changes one of the example's five services takes to the cluster, and how much of that is not the
 * build. It is compared with the baseline without a CI: nothing is tested or checked out, all five services are built, pushed
 * and released.
 */
export async function benchLoop(report: Report, { rounds = 3 }: { rounds?: number | undefined }): Promise<Figure[]> {
  return withStateDirectory("loop", report, async (stateDir) => {
    const { outputs } = await up({ stateDir, pods: "auto", report });
    return measureCommits(stateDir, outputs, rounds, report);
  });
}

/** Measures commits in a sandbox that is up. @param outputs of its stack */
async function measureCommits(
  stateDir: string,
  outputs: OutputMap,
  rounds: number,
  report: (line: string) => void,
): Promise<Figure[]> {
  using developer = await openDeveloper(stateDir, outputs);
  const { clone, route } = developer;
  const { registryPassword: password } = ensureCredentials(stateDir);
  const registryHost = loadEndpoints(stateDir)?.registryHost ?? "";
  const { tools, runc, busybox } = await builderTools(report);
  const remoteDocker = await startRemoteDocker(
    { stateDir, tools, runc, busybox, registryHost, packageSources: packageSources() },
    report,
  );
  const location = { buildKit: remoteDocker, registryHost, password };
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

function comparison(journeys: readonly Journey[], baselines: readonly Stages[]): Figure {
  const value = median(journeys.map((journey) => journey.total)) / median(baselines.map(secondsOf));
  return { name: "the same, tested by CI / all as the baseline does, untested", value, unit: "×", limit: 1 };
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
  const path = join(directory, editedFile);
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
