import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { findEnvironment } from "../cli/project/environment.ts";
import { Project } from "../cli/project/stack-file.ts";
import { readBranch } from "../git/deploy-repository.ts";
import { commitReleases, readRecords } from "../git/records.ts";
import { up } from "../sandbox/commands/up.ts";
import { ensureCredentials, gitUsers } from "../sandbox/machine/credentials.ts";
import { loadEndpoints, type SandboxEndpoints } from "../sandbox/machine/endpoints.ts";
import { kubernetesClient } from "../sandbox/machine/kubernetes-client.ts";
import { pushBuild } from "../test/support/image-push.ts";
import { median, type Figure } from "./figure.ts";
import { withStateDirectory } from "./state-directory.ts";

/** A service of the example; two builds of it take turns, so that every release is another digest. */
const service = "link";
const deploymentSchema = z.object({ metadata: z.object({ generation: z.number() }) });

/** How long `up` takes until every Application is Healthy, and a release commit until Argo CD has changed the Deployment. */
export async function benchGitOps(report: (line: string) => void): Promise<Figure[]> {
  return withStateDirectory("gitops", report, async (stateDir) => {
    const start = performance.now();
    await up({ stateDir, pods: "auto", report });
    const seconds = (performance.now() - start) / 1000;
    return [
      { name: "up, warm, to every Application Healthy", value: seconds, unit: "s", limit: 45 },
      ...(await measureReleases(stateDir, 20, report)),
    ];
  });
}

/** Measures release commits to the stack of a sandbox that is up. */
async function measureReleases(stateDir: string, commits: number, report: (line: string) => void): Promise<Figure[]> {
  const endpoints = loadEndpoints(stateDir);
  if (endpoints === undefined) throw new Error(`${stateDir}: the sandbox is up, but does not say where`);
  const releases = await timedReleases(stateDir, endpoints, commits, report);
  const name = "from release commit to new Deployment";
  return [
    { name: `${name}, median of ${commits}`, value: median(releases), unit: "s", limit: 1.5 },
    { name: `${name}, worst of ${commits}`, value: Math.max(...releases), unit: "s", limit: 5 },
  ];
}

/** Seconds from just before each push, so that the push itself counts, to the Deployment's next generation. */
async function timedReleases(
  stateDir: string,
  endpoints: SandboxEndpoints,
  commits: number,
  report: (line: string) => void,
): Promise<number[]> {
  const { deployRepository, kubeconfigPath } = endpoints;
  // As `delivery release` finds them.
  process.env["DELIVERY_GIT_USERNAME"] = gitUsers.writer;
  process.env["DELIVERY_GIT_TOKEN"] = ensureCredentials(stateDir).gitWriteToken;
  const environment = findEnvironment(new Project(), "sandbox", { repository: deployRepository });
  const records = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
  const first = records.get(service)?.image;
  if (first === undefined) throw new Error(`the release record of ${service} names no image`);
  const second = {
    ...first,
    digest: await pushBuild(stateDir, first.repository, `${first.repository}@${first.digest}`, "0.1.1"),
  };
  const client = kubernetesClient(kubeconfigPath);
  const generation = async (): Promise<number> => {
    const path = `/apis/apps/v1/namespaces/delinkcious-sandbox/deployments/${service}`;
    return deploymentSchema.parse(await client.request("GET", path)).metadata.generation;
  };
  const times: number[] = [];
  for (let index = 1; index <= commits; index++) {
    const image = index % 2 === 1 ? second : first;
    const before = await generation();
    const pushed = { at: 0 };
    const beforePush = (): Promise<void> => {
      pushed.at = performance.now();
      return Promise.resolve();
    };
    await commitReleases(
      {
        ...environment,
        choose: () => [{ service, ...image }],
        describe: () => ({ subject: `release(sandbox): ${service}, number ${index}` }),
      },
      { beforePush },
    );
    while ((await generation()) === before) {
      if (performance.now() - pushed.at > 60_000)
        throw new Error(`release ${index} of ${service} did not reach its Deployment within 60 s`);
      await sleep(10);
    }
    times.push((performance.now() - pushed.at) / 1000);
    report(`release ${index} of ${commits}: ${times.at(-1)?.toFixed(2)} s`);
  }
  return times;
}
