import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { workloadStatus } from "../cli/status/workload-status.ts";
import { commitReleases } from "../git/records.ts";
import { listAt } from "../kubernetes/object.ts";
import type { Report } from "../sandbox/commands/progress.ts";
import { startSandbox, type Sandbox } from "../sandbox/commands/start-sandbox.ts";
import { withProgress } from "../sandbox/commands/terminal.ts";
import { openSandboxStack } from "../sandbox/engine/sandbox-stack.ts";
import { loginToDeployGit } from "../sandbox/machine/credentials.ts";
import { sandboxSettings } from "../sandbox/machine/endpoints.ts";
import { kubernetesClient } from "../sandbox/machine/kubernetes-client.ts";
import type { Figure } from "./figure.ts";
import { withStateDirectory } from "./state-directory.ts";
import { shopServices, writeShop } from "./shop.ts";

/** Of stacks that are measured: the smallest first. */
const fullScale = [50, 100, 500];
const environment = "large";
const namespace = `shop-${environment}`;
/** What a release of all services may take, in milliseconds, before the benchmark gives up. */
const limitMilliseconds = 30 * 60_000;
/** Of Flux's public benchmark: 500 Kustomizations in 122 s. */
const releaseLimitSeconds = 60;

/** What a stack of so many services takes; in seconds. */
interface StackTimes {
  readonly services: number;
  readonly preview: number;
  /** From nothing until all Applications are Synced and Healthy; no service is released yet. */
  readonly up: number;
  /** From just before the push of one commit that releases all services until all have been rolled out. */
  readonly release: number;
}

/**
 * What large stacks of `gitops` take with the real engine, API server and Argo CD, and simulated pods: the first update, and a
 * commit that releases all services. Each stack has a sandbox of its own.
 */
export async function benchStack(report: Report, scale = fullScale): Promise<Figure[]> {
  const all: StackTimes[] = [];
  for (const services of scale)
    await withStateDirectory("stack", report, async (stateDir) => {
      const sandbox = await startSandbox({ stateDir, pods: "simulated", delivery: "gitops", report });
      all.push(await measureStack(stateDir, sandbox, services, report));
    });
  return figuresOf(all);
}

/** @param all the times of stacks, the smallest first */
function figuresOf(all: readonly StackTimes[]): Figure[] {
  const most = all.at(-1);
  if (most === undefined) return [];
  const title = `${most.services} services`;
  const perService = (value: (times: StackTimes) => number, other: StackTimes): number =>
    value(most) / most.services / (value(other) / other.services);
  return [
    { name: `first up, ${title}, gitops / its preview`, value: most.up / most.preview, unit: "×", limit: 3 },
    {
      name: `${title} released by one commit → rolled out`,
      value: most.release,
      unit: "s",
      limit: releaseLimitSeconds,
    },
    ...all.slice(0, -1).flatMap((other) => [
      {
        name: `first up for each service, ${title} / ${other.services}`,
        value: perService(({ up }) => up, other),
        unit: "×",
        limit: 4,
      },
      {
        name: `release for each service, ${title} / ${other.services}`,
        value: perService(({ release }) => release, other),
        unit: "×",
        limit: 1.2,
      },
    ]),
  ];
}

/** Measures a stack of so many services in a sandbox that runs. */
async function measureStack(stateDir: string, sandbox: Sandbox, services: number, report: Report): Promise<StackTimes> {
  const directory = mkdtempSync(join(tmpdir(), "delivery-bench-shop-"));
  try {
    writeShop(directory, services);
    await using open = await openSandboxStack({
      ...sandbox,
      stateDir,
      overrides: { directory: join(directory, "engine"), settings: stackSettings(directory, sandbox) },
      report,
    });
    const title = `of ${services} services`;
    const preview = await timed(() =>
      withProgress(report, `previewing a stack ${title}`, (watch) => open.stack.preview(watch)),
    );
    const up = await timed(() =>
      withProgress(report, `updating a stack ${title}`, (watch) => open.stack.up({ ...watch, suppressProgress: true })),
    );
    const release = await measureRelease(stateDir, sandbox, services, report);
    report(
      `stack ${title}: preview ${preview.toFixed(1)} s, first up ${up.toFixed(1)} s, release of all ${release.toFixed(1)} s`,
    );
    return { services, preview, up, release };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function stackSettings(directory: string, { endpoints }: Sandbox): Record<string, unknown> {
  return {
    "delivery:environment": environment,
    "delivery:app": { name: "shop", directory: join(directory, "shop") },
    "delivery:images": {
      registry: endpoints.registryHost,
      organization: "acme",
      username: sandboxSettings().images.username,
      source: "registry",
    },
    "delivery:gitops": { repository: endpoints.deployRepository, username: "argocd" },
    "delivery:owns": { ciProject: true, argoCd: true },
    "delivery:dependencies": {},
    "delivery:defaults": {},
  };
}

/**
 * Releases all services by one commit. @returns seconds until pods of the new images run alone. Real ones cannot, as nothing has
 * built these images: there it ends when all Deployments name them.
 */
async function measureRelease(
  stateDir: string,
  { cluster, endpoints }: Sandbox,
  services: number,
  report: Report,
): Promise<number> {
  const { kubeconfigPath, registryHost, deployRepository: repository = "" } = endpoints;
  const digest = `sha256:${"2".repeat(64)}`;
  const client = kubernetesClient(kubeconfigPath);
  const rolledOut = async (): Promise<number> => {
    const deployments = listAt(
      await client.request("GET", `/apis/apps/v1/namespaces/${namespace}/deployments`),
      "items",
    );
    return deployments
      .map((deployment) => workloadStatus(deployment))
      .filter(({ image, health }) => image.endsWith(digest) && (health === "Healthy" || cluster.pods === "real"))
      .length;
  };
  const progress = { done: 0 };
  report(`releasing ${services} services by one commit`, () => `${progress.done} of ${services} rolled out`);
  loginToDeployGit(stateDir, "writer");
  const pushed = { at: 0 };
  await commitReleases(
    {
      repository,
      branch: sandboxSettings().gitops.branch,
      directory: environment,
      choose: () =>
        shopServices(services).map((service) => ({
          service,
          digest,
          repository: `${registryHost}/acme/shop-${service}`,
        })),
      describe: () => ({ subject: `release(${environment}): all services` }),
    },
    {
      beforePush: () => {
        pushed.at = performance.now();
        return Promise.resolve();
      },
    },
  );
  while ((progress.done = await rolledOut()) < services) {
    if (performance.now() - pushed.at > limitMilliseconds)
      throw new Error(`only ${progress.done} of ${services} services were rolled out within 30 minutes`);
    await sleep(250);
  }
  return (performance.now() - pushed.at) / 1000;
}
