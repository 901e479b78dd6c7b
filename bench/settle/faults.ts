import { setTimeout as sleep } from "node:timers/promises";
import { startSandbox } from "../../sandbox/commands/start-sandbox.ts";
import { runningPid } from "../../sandbox/machine/process.ts";
import { startRollouts } from "../../sandbox/machine/rollouts/rollouts.ts";
import type { RunImage } from "./agreement.ts";
import type { Phase, Victim } from "./scenario.ts";
import type { Service, Shop } from "./shop.ts";

/** How often Git is looked at, which is a file, and the cluster; in milliseconds. */
const pollMilliseconds = { git: 10, cluster: 100 };

/** Waits until a phase of a release has begun, or all are over: its verdict is there, or another release has followed. */
export async function untilPhase(
  shop: Shop,
  { service, since, image }: { readonly service: Service; readonly since: string; readonly image: RunImage },
  phase: Phase,
  signal: AbortSignal,
): Promise<void> {
  const ofCluster = phase === "rolling" || phase === "running" ? phase : undefined;
  const seen = { head: "", has: false };
  while (!signal.aborted) {
    const head = shop.head();
    if (head !== seen.head) {
      seen.head = head;
      const records = shop.records(service, since);
      const committed = records.some((record) => record.image?.digest === image.digest);
      const last = records.at(-1);
      const isOver = last?.image?.digest !== image.digest || last.verification?.state !== "pending";
      seen.has = committed && (phase === "committed" || isOver);
    }
    if (seen.has || (ofCluster !== undefined && (await hasBegun(shop, service, image, ofCluster)))) return;
    await sleep(ofCluster === undefined ? pollMilliseconds.git : pollMilliseconds.cluster);
  }
}

async function hasBegun(
  shop: Shop,
  service: Service,
  { digest }: RunImage,
  phase: "rolling" | "running",
): Promise<boolean> {
  const cluster = await shop.cluster(service).catch(() => undefined);
  if (cluster === undefined || cluster.digest !== digest) return false;
  const running = cluster.pods.filter((pod) => pod.digest === digest && pod.ready);
  return phase === "rolling" || (running.length === cluster.replicas && cluster.pods.length === cluster.replicas);
}

/** One start after the other: two at the same time would start the same process twice. */
const starting = { last: Promise.resolve() };

/** Kills a process of the sandbox, and starts it again after a while, unless Argo CD's supervisor does. */
export async function killProcess(shop: Shop, victim: Exclude<Victim, "waiter">, down: number): Promise<void> {
  const { stateDir } = shop.harness;
  const pid = runningPid(stateDir, victim);
  if (pid !== undefined) process.kill(pid, "SIGKILL");
  await sleep(down);
  const start = (): Promise<void> => startAll(shop);
  starting.last = starting.last.then(start, start);
  await starting.last;
}

async function startAll({ harness, rollouts }: Shop): Promise<void> {
  await startSandbox({ stateDir: harness.stateDir, delivery: "gitops", report: () => undefined });
  await startRollouts(rollouts);
}
