import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../core/error.ts";
import type { Report } from "../sandbox/commands/progress.ts";
import { startSandbox, type Sandbox } from "../sandbox/commands/start-sandbox.ts";
import type { Figure } from "./figure.ts";
import { disagreements, type Facts, type RunImage, type Statement } from "./settle/agreement.ts";
import { killProcess, untilPhase } from "./settle/faults.ts";
import { describeScenario, scenarioOf, type Fault, type Scenario } from "./settle/scenario.ts";
import { environment, openShop, services, type Service, type Shop } from "./settle/shop.ts";
import { Waiter } from "./settle/waiter.ts";
import { withStateDirectory } from "./state-directory.ts";

interface SettleScale {
  readonly runs: number;
  /** That of the first run; each further run has the next one, so that one alone can be run again. */
  readonly seed: number;
}

/**
 * How long all may take to agree after the last fault, and for how long they must; in milliseconds. What nobody tells it, Argo CD
 * finds by itself within three minutes.
 */
const limit = 240_000;
const calm = 1_000;
/** How much longer for what could not be read when that time was over. */
const patience = 60_000;

/**
 * Whether Git, the cluster, GitHub and the waiters agree on what came of a release, after whatever has come between: random
 * runs with real controllers, in which processes are killed, newer commits arrive, and several wait.
 */
export async function benchSettle(
  report: Report,
  { runs = 100, seed = 1 }: { readonly [Key in keyof SettleScale]?: SettleScale[Key] | undefined },
): Promise<Figure[]> {
  return withStateDirectory("settle", report, async (stateDir) => {
    const sandbox = await startSandbox({ stateDir, delivery: "gitops", report });
    return measureSettling(stateDir, sandbox, { runs, seed }, report);
  });
}

async function measureSettling(
  stateDir: string,
  sandbox: Sandbox,
  { runs, seed }: SettleScale,
  report: (line: string) => void,
): Promise<Figure[]> {
  await using shop = await openShop(stateDir, sandbox, report);
  let disagreed = 0;
  for (let run = 0; run < runs; run++) {
    const scenario = scenarioOf(seed + run);
    const start = performance.now();
    const found = await perform(shop, scenario).catch((error: unknown) => [
      `has not come to its end: ${errorMessage(error)}`,
    ]);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    report(
      `seed ${scenario.seed}: ${describeScenario(scenario)}: ${found.length === 0 ? "agree" : "DISAGREE"}, ${seconds} s`,
    );
    for (const line of found) report(`  ${line}`);
    if (found.length === 0) continue;
    disagreed += 1;
    if (run + 1 < runs) await startOver(shop, services[scenario.workload]);
  }
  report(`${runs} runs, ${disagreed} disagreements`);
  return [{ name: `random runs of ${runs} without agreement`, value: disagreed, unit: "runs", limit: 0 }];
}

/** @returns where they disagree in the end; empty where they agree */
async function perform(shop: Shop, { workload, image: kind, waiter: mode, faults }: Scenario): Promise<string[]> {
  const service = services[workload];
  const kinds = [kind, ...faults.flatMap((fault) => (fault.event === "newer commit" ? [fault.image] : []))];
  shop.require({ timeoutMinutes: timeoutOf(kinds) });
  const since = shop.head();
  const image = await shop.build(service, kind);
  const images = [image];
  const release = { service, since, image };
  await using stack = new AsyncDisposableStack();
  const waiters: Waiter[] = [];
  const startWaiter = (): void => void waiters.push(stack.use(new Waiter(shop, mode)));
  const ended = new AbortController();
  const inject = async (fault: Fault): Promise<void> => {
    await untilPhase(shop, release, fault.phase, ended.signal);
    await sleep(fault.delay);
    switch (fault.event) {
      case "newer commit": {
        const newer = await shop.build(service, fault.image);
        images.push(newer);
        return shop.release(service, newer);
      }
      case "second waiter":
        return startWaiter();
      case "kill":
        if (fault.victim !== "waiter") return killProcess(shop, fault.victim, fault.down);
        for (const waiter of waiters) waiter.kill();
    }
  };
  const abandoned = setTimeout(() => ended.abort(), limit);
  try {
    const happening = Promise.all(faults.map(inject));
    await Promise.all([shop.release(service, image).then(startWaiter), happening]);
  } finally {
    clearTimeout(abandoned);
    ended.abort();
  }
  // Awaited here: until then, the waiters go on.
  return await untilAgreed(shop, release, images, () => waiters.flatMap(({ statements }) => statements));
}

/** In minutes: what never comes is waited for no longer than need be, and what is good gets its time. */
function timeoutOf(kinds: readonly string[]): number {
  if (!kinds.includes("never")) return 2;
  return kinds.some((kind) => kind === "good" || kind === "slow") ? 0.5 : 0.2;
}

async function untilAgreed(
  shop: Shop,
  { service, since }: { readonly service: Service; readonly since: string },
  images: readonly RunImage[],
  statements: () => readonly Statement[],
): Promise<string[]> {
  let agreedAt = Infinity;
  let known: readonly string[] = [];
  for (const deadline = Date.now() + limit; ;) {
    let unknown: string | undefined;
    try {
      known = disagreements(await factsOf(shop, { service, since }, images, statements()));
    } catch (error) {
      unknown = errorMessage(error);
    }
    const now = Date.now();
    agreedAt = unknown === undefined && known.length === 0 ? Math.min(agreedAt, now) : Infinity;
    if (now - agreedAt >= calm) return [];
    // An API server that answers too late at this moment says nothing of what it would answer.
    if (unknown === undefined ? now > deadline : now > deadline + patience)
      return [...known, ...(unknown === undefined ? [] : [`not known: ${unknown}`])];
    await sleep(200);
  }
}

async function factsOf(
  shop: Shop,
  { service, since }: { readonly service: Service; readonly since: string },
  images: readonly RunImage[],
  statements: readonly Statement[],
): Promise<Facts> {
  const states = await Promise.all(
    images.map(
      async ({ commit }) => [commit, (await shop.github.statuses(commit))[`delivery/verify-${environment}`]] as const,
    ),
  );
  return {
    images,
    records: shop.records(service, since),
    cluster: await shop.cluster(service),
    statuses: new Map(states.flatMap(([commit, state]) => (state === undefined ? [] : [[commit, state] as const]))),
    statements,
  };
}

/** After a disagreement, the next run begins with an image that has proved itself. @throws Error with what still disagrees */
async function startOver(shop: Shop, service: Service): Promise<void> {
  shop.require({ timeoutMinutes: 2 });
  const since = shop.head();
  const image = await shop.build(service, "good");
  await shop.release(service, image);
  await using waiter = new Waiter(shop, "waits");
  const found = await untilAgreed(shop, { service, since }, [image], () => waiter.statements);
  if (found.length > 0) throw new Error(`${service} cannot be set right any more: ${found.join("; ")}`);
}
