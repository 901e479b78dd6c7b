import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listPods, listWorkloads } from "../../cli/status/cluster-status.ts";
import { workloadStatus } from "../../cli/status/workload-status.ts";
import { errorMessage } from "../../core/error.ts";
import { outputOf } from "../../core/process.ts";
import { parseRecord, recordPath, type ReleaseRecord } from "../../git/release-record.ts";
import { conditionOf, listAt, nameOf, stringAt } from "../../kubernetes/object.ts";
import type { Sandbox } from "../../sandbox/commands/start-sandbox.ts";
import { gitUsers } from "../../sandbox/machine/credentials.ts";
import { circleCiEndpoint } from "../../sandbox/machine/endpoints.ts";
import { startRollouts, stopRollouts, type RolloutsOptions } from "../../sandbox/machine/rollouts/rollouts.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";
import { repositoryPath } from "../../sandbox/stand-ins/git-server/repositories.ts";
import { applicationOf } from "../../test/e2e/support/application-state.ts";
import { delivery } from "../../test/e2e/support/delivery-command.ts";
import { openEnvironment, type Environment } from "../../test/e2e/support/environment.ts";
import { openGitHubAccount, type GitHubAccount } from "../../test/e2e/support/github-account.ts";
import { gitOpsHarness, type GitOpsHarness } from "../../test/e2e/support/gitops-harness.ts";
import { writeStackFile } from "../../test/e2e/support/stack-file.ts";
import { BareRepository } from "../../test/support/bare-repository.ts";
import { pushBuild } from "../../test/support/image-push.ts";
import { webServer } from "../../test/support/monorepo.ts";
import { PrometheusStandIn } from "../../test/support/prometheus-stand-in.ts";
import type { ClusterFacts, RunImage } from "./agreement.ts";
import type { ImageKind, Scenario } from "./scenario.ts";

export const environment = "settle";
const sourceName = "delinkcious/delinkcious";
const replicas = 2;
/** For how long a release is tried, in milliseconds: what was killed must be there again. */
const patience = 180_000;
/** The service of each workload. */
export const services = { Deployment: "cart", Rollout: "catalog" } as const;
export type Service = (typeof services)[Scenario["workload"]];

/** What the image's variable KIND says becomes of it; see {@link ImageKind}. */
const start = `date +%s > /tmp/started; echo "$KIND" > /tmp/kind
[ "$KIND" = never ] && exec sleep 1000
[ "$KIND" = slow ] && sleep 3
exec httpd -f -p 8080 -h /www`;
const health = String.raw`#!/bin/sh\nkind=$(cat /tmp/kind)\nage=$(( $(date +%%s) - $(cat /tmp/started) ))\n[ $kind = slow ] && sleep 1\n[ $kind = late ] && [ $age -ge 4 ] && echo "Status: 500 Internal Server Error"\necho\necho ok\n`;

/** An environment of two services that have to prove themselves, a Deployment and a Rollout. */
export interface Shop extends AsyncDisposable {
  readonly harness: GitOpsHarness;
  /** As the commands see it. */
  readonly target: Environment & { readonly directory: string };
  readonly rollouts: RolloutsOptions;
  readonly github: GitHubAccount;
  /** Says what images have to prove from now on. @param verify as in the stack file; what it leaves out is as it was at first */
  require(verify: Readonly<Record<string, unknown>>): void;
  /** Pushes a new image, with a commit of the monorepo that it is made by. */
  build(service: Service, kind: ImageKind): Promise<RunImage>;
  /** Releases it, and tries again like a job that somebody starts anew. @throws Error if none succeeds in time */
  release(service: Service, image: RunImage): Promise<void>;
  /** The newest commit of the deploy repository. */
  head(): string;
  /** What the record of a service has said since a commit, that one included, the oldest first. */
  records(service: Service, since: string): readonly ReleaseRecord[];
  /** @throws Error where the API server does not answer */
  cluster(service: Service): Promise<ClusterFacts>;
}

/** Makes the environment in a sandbox that runs. */
export async function openShop(stateDir: string, sandbox: Sandbox, report: (line: string) => void): Promise<Shop> {
  const harness = gitOpsHarness(stateDir, sandbox, "own");
  const { repository, kubernetes, credentials } = harness;
  const { kubeconfigPath } = sandbox.cluster;
  const tools = await buildTools(["rollouts-controller", "rollouts-files"], report);
  const rollouts = { stateDir, tools, kubeconfigPath };
  await startRollouts(rollouts);
  await using opening = new AsyncDisposableStack();
  opening.defer(() => stopRollouts(stateDir));
  const metrics = opening.use(await PrometheusStandIn.start());
  const settings = settingsOf(harness, metrics.url);
  const shop = openEnvironment(harness, { name: environment, services: Object.values(services), settings });
  for (const service of Object.values(services)) shop.monorepo.service(service, dockerfile(service));
  // Not the checkout that the state directory may be in.
  await outputOf("git", ["init", "--quiet", shop.monorepo.directory]);
  const target = { ...shop, directory: join(stateDir, "program-of-settle") };
  const requireOf = (verify: Readonly<Record<string, unknown>>): void => {
    const github = { repository: sourceName, api: sandbox.endpoints.githubApi };
    writeStackFile(harness, shop, target.directory, { ...settings, verify: { ...settings.verify, ...verify }, github });
  };
  requireOf({});
  report("The services that have to prove themselves: updating their stack");
  opening.defer(async () => void (await shop.run("destroy")));
  await shop.run("up");

  const source = new BareRepository({ existing: repositoryPath(join(stateDir, "git"), sourceName) });
  const cachedRecords = new Map<string, ReleaseRecord>();
  const recordAt = (service: Service, commit: string): ReleaseRecord => {
    const key = `${service} ${commit}`;
    const known = cachedRecords.get(key);
    if (known !== undefined) return known;
    const path = recordPath(environment, service);
    const parsed = parseRecord(path, repository.git("show", `${commit}:${path}`));
    if ("problems" in parsed) throw new Error(`${path} at ${commit}: ${parsed.problems[0]?.message ?? ""}`);
    cachedRecords.set(key, parsed);
    return parsed;
  };
  const head = (): string => {
    const file = join(repository.path, "refs", "heads", "main");
    return existsSync(file) ? readFileSync(file, "utf8").trim() : repository.git("rev-parse", "main");
  };
  const first = new Map(
    Object.values(services).map((service) => [service, recordAt(service, head()).image?.digest ?? ""]),
  );
  const location = { app: shop.app, environment, namespace: shop.namespace, argoCdNamespace: "argocd" };
  const count = { builds: 1 };
  const late = new Set<string>();
  // What the canary's analysis asks for is as the image is that is to run.
  metrics.value = () => (late.has(recordAt(services.Rollout, head()).image?.digest ?? "") ? "0.2" : "0.01");
  const disposables = opening.move();
  return {
    harness,
    target,
    rollouts,
    github: openGitHubAccount(sandbox.endpoints.githubApi ?? "", sourceName, credentials.githubToken),
    require: requireOf,
    async build(service, kind) {
      count.builds += 1;
      const images = shop.imagesOf(service);
      const from = `${images}@${first.get(service) ?? ""}`;
      const digest = await pushBuild(stateDir, images, from, `0.1.${count.builds}`, { KIND: kind });
      if (kind === "late") late.add(digest);
      const commit = source.commit({ "build.txt": `${count.builds}\n` }, `${service}: ${kind}`, environment);
      return { digest, kind, commit };
    },
    async release(service, { digest, commit }) {
      const args = ["--service", `${service}=${digest}`, "--source-commit", commit];
      for (const deadline = Date.now() + patience; ;) {
        const problem = await delivery(harness, target, "release", ...args).then(() => undefined, errorMessage);
        if (problem === undefined) return;
        if (Date.now() > deadline) throw new Error(`the release of ${service} fails: ${problem}`);
        await sleep(500);
      }
    },
    head,
    records(service, since) {
      const path = recordPath(environment, service);
      const range = ["log", "--first-parent", "--reverse", "--format=%H", `${since}..${head()}`, "--", path];
      const commits = repository
        .git(...range)
        .split("\n")
        .filter(Boolean);
      return [since, ...commits].map((commit) => recordAt(service, commit));
    },
    async cluster(service) {
      const signal = AbortSignal.timeout(5_000);
      const [{ workloads }, pods, application] = await Promise.all([
        listWorkloads(kubernetes, location, signal),
        listPods(kubernetes, location, signal),
        applicationOf(kubernetes, shop.applicationName(service)),
      ]);
      const workload = workloads.find((one) => nameOf(one) === service);
      if (workload === undefined) throw new Error(`${service} has no workload`);
      const { image, health: state } = workloadStatus(workload);
      return {
        digest: digestOf(image),
        health: state,
        pods: pods
          .filter((pod) => stringAt(pod, "metadata", "labels", "app.kubernetes.io/name") === service)
          .map((pod) => ({
            name: nameOf(pod),
            digest: digestOf(stringAt(listAt(pod, "spec", "containers")[0] ?? {}, "image") ?? ""),
            ready: conditionOf(pod, "Ready")?.["status"] === "True",
          })),
        replicas,
        sync: application.sync,
        argoCdHealth: application.health,
      };
    },
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}

function settingsOf({ sandbox, repositoryUrl }: GitOpsHarness, prometheus: string) {
  const circleci = circleCiEndpoint(sandbox.endpoints);
  return {
    ci: {
      organizationId: circleci.organizationId,
      host: circleci.url,
      environment: { DELIVERY_KUBECONFIG: "deploy-token" },
    },
    gitops: { repository: repositoryUrl, username: gitUsers.reader, rollouts: "existing" },
    verify: { minutes: 0.1, checks: [{ http: { path: "/cgi-bin/health", contains: "ok" } }] },
    services: {
      [services.Deployment]: { replicas },
      [services.Rollout]: {
        replicas,
        rollout: {
          strategy: "canary",
          steps: [{ weight: 50, pause: "3s" }],
          analysis: {
            prometheus,
            interval: "1s",
            delay: "1s",
            metrics: { errors: { query: 'sum(errors{pod=~"${pods}"})', max: 0.05 } },
          },
        },
      },
    },
  };
}

function dockerfile(service: string): string {
  return `${webServer(service, start)}RUN mkdir /www/cgi-bin && printf '${health}' > /www/cgi-bin/health && chmod +x /www/cgi-bin/health
ENV KIND=good
`;
}

function digestOf(image: string): string {
  return image.split("@")[1] ?? "";
}
