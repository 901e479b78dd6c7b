import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../core/error.ts";
import type { Report } from "../sandbox/commands/progress.ts";
import { startSandbox, type Sandbox } from "../sandbox/commands/start-sandbox.ts";
import { delivery } from "../test/e2e/support/delivery-command.ts";
import { median, type Figure } from "./figure.ts";
import { withStateDirectory } from "./state-directory.ts";
import { Load, shareOf, type Share } from "./take-back/load.ts";
import { holdMinutes, openShop, weight, type Shop } from "./take-back/shop.ts";

const limitMilliseconds = 180_000;
const pollMilliseconds = 50;
/** Time that the server of Git, the cluster and Argo CD get between two releases. */
const calmMilliseconds = 2_000;

/**
 * How fast a canary that its analysis ends is taken back, by `delivery verify`, which writes Git, and by Argo Rollouts alone,
 * which does not; how much later than need be a verdict comes; and what those who use the service notice of it.
 */
export async function benchTakeBack(
  report: Report,
  { rounds = 5 }: { rounds?: number | undefined },
): Promise<Figure[]> {
  return withStateDirectory("take-back", report, async (stateDir) => {
    const sandbox = await startSandbox({ stateDir, delivery: "gitops", report });
    return measureTakeBack(stateDir, sandbox, rounds, report);
  });
}

async function measureTakeBack(
  stateDir: string,
  sandbox: Sandbox,
  rounds: number,
  report: (line: string) => void,
): Promise<Figure[]> {
  await using shop = await openShop(stateDir, sandbox, report);
  await using load = new Load(shop.url);
  const all: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    const taken = await measureRound(shop, load, round);
    all.push(taken);
    report(`round ${round}: ${describeRound(taken)}`);
  }
  const figures = figuresOf(all);
  report(describeSpread(all));
  return figures;
}

/** Times are in seconds; those of a take-back count from when the cluster says that the analysis has failed. */
interface Round {
  /** Until all pods are those of before. */
  readonly argoRollouts: number;
  /** The same with `delivery verify`. */
  readonly pods: number;
  /** Until Git says so, too. */
  readonly git: number;
  /** How long after the end of the hold a good image had its verdict. */
  readonly afterHold: number;
  /** What the bad image has answered of both canaries. */
  readonly canaries: readonly Share[];
  /** Of the whole round. */
  readonly lost: readonly string[];
}

async function measureRound(shop: Shop, load: Load, round: number): Promise<Round> {
  // Whichever comes second finds a machine that is warmer.
  const before = round % 2 === 1 ? await measureAbort(shop, load) : undefined;
  const taken = await measureVerified(shop, load);
  const abort = before ?? (await measureAbort(shop, load));
  const good = await measureGood(shop, load);
  return {
    argoRollouts: abort.pods,
    pods: taken.pods,
    git: taken.git,
    afterHold: good.afterHold,
    canaries: [abort.share, taken.share],
    lost: [abort, taken, good].flatMap(({ lost }) => lost),
  };
}

/** A bad image that Argo Rollouts ends by itself, and nobody else. */
async function measureAbort(shop: Shop, load: Load) {
  const measured = await measureBad(shop, load);
  // So that the next one has something to go back to.
  await takeBack(shop, measured.bad);
  await untilCalm(shop, measured.before);
  return { ...measured, lost: [...measured.lost, ...load.take().lost] };
}

/** One whose verdict somebody waits for, as CI's job does. */
async function measureVerified(shop: Shop, load: Load) {
  const waiter = Promise.withResolvers<void>();
  const measured = await measureBad(shop, load, (bad) => void takeBack(shop, bad).then(waiter.resolve, waiter.reject));
  await waiter.promise;
  await untilCalm(shop, measured.before);
  return { ...measured, lost: [...measured.lost, ...load.take().lost] };
}

/** @param onReleased gets the bad image once it is released */
async function measureBad(shop: Shop, load: Load, onReleased?: (bad: string) => void) {
  const before = shop.record().image?.digest ?? "";
  const signal = AbortSignal.timeout(limitMilliseconds);
  const failing = shop.analysisFailed(signal).then(() => performance.now());
  load.take();
  const { digest: bad, answer } = await shop.release("bad");
  onReleased?.(bad);
  const [failed, served, written] = await Promise.all([
    failing,
    // The pods of before are all there until the new ones come.
    until("the image before serves again", async () => {
      const { serves, health } = await shop.seen();
      return serves(before) && health === "Degraded" ? true : serves(before) && isTakenBack(shop, bad);
    }),
    onReleased === undefined ? undefined : until("Git says so", () => Promise.resolve(isTakenBack(shop, bad))),
  ]);
  const answered = load.take();
  const seconds = (at: number): number => (at - failed) / 1000;
  return {
    bad,
    before,
    pods: seconds(served),
    git: written === undefined ? Number.NaN : seconds(written),
    share: shareOf(answered, answer),
    lost: answered.lost,
  };
}

function isTakenBack(shop: Shop, bad: string): boolean {
  const { image, rejected } = shop.record();
  return image?.digest !== bad && rejected?.digest === bad;
}

/** It fails, as it has to. */
async function takeBack(shop: Shop, bad: string): Promise<void> {
  const said = await delivery(shop.harness, shop.target, "verify", "--wait", "3m").then(() => "", errorMessage);
  if (!isTakenBack(shop, bad)) throw new Error(`${bad} was not taken back: ${said}`);
}

async function measureGood(shop: Shop, load: Load) {
  load.take();
  const { digest } = await shop.release("good");
  const [ready, judged] = await Promise.all([
    until("the good image runs, and all are well", () => runsWell(shop, digest)),
    until("it has passed", () => Promise.resolve(shop.record().verification?.state === "passed")),
    delivery(shop.harness, shop.target, "verify", "--wait", "3m"),
  ]);
  const afterHold = (judged - ready) / 1000 - holdMinutes * 60;
  return { afterHold, lost: load.take().lost };
}

/** Whether an image is all that runs, and Argo CD has nothing left to do. */
async function runsWell(shop: Shop, digest: string): Promise<boolean> {
  const seen = await shop.seen();
  return seen.digest === digest && seen.health === "Healthy" && seen.serves(digest) && (await shop.isSettled());
}

async function untilCalm(shop: Shop, digest: string): Promise<void> {
  await until("all are well again", () => runsWell(shop, digest));
  await sleep(calmMilliseconds);
}

/** @returns when it was seen to be so, on the clock of `performance.now()` */
async function until(what: string, check: () => Promise<boolean>): Promise<number> {
  for (const deadline = performance.now() + limitMilliseconds; ;) {
    const now = performance.now();
    if (await check().catch(() => false)) return performance.now();
    if (now > deadline) throw new Error(`${what}: not within ${limitMilliseconds / 1000} s`);
    await sleep(pollMilliseconds);
  }
}

function figuresOf(rounds: readonly Round[]): Figure[] {
  const ours = median(rounds.map(({ pods, git }) => Math.max(pods, git)));
  const canaries = rounds.flatMap((round) => round.canaries);
  const sum = (count: (share: Share) => number): number => canaries.reduce((total, share) => total + count(share), 0);
  return [
    {
      name: "a failed analysis → the image before serves, and Git says so / Argo Rollouts alone",
      value: ours / median(rounds.map(({ argoRollouts }) => argoRollouts)),
      unit: "×",
      limit: 1.2,
    },
    {
      name: "verdict after the end of the hold",
      value: median(rounds.map(({ afterHold }) => afterHold)),
      unit: "s",
      limit: 0.5,
    },
    {
      name: "requests that the bad image has answered",
      value: (100 * sum(({ kind }) => kind)) / sum(({ all }) => all),
      unit: "%",
      limit: weight + 2,
    },
    {
      name: "requests without an answer",
      value: rounds.flatMap(({ lost }) => lost).length,
      unit: "",
      limit: 0,
    },
  ];
}

function describeRound({ argoRollouts, pods, git, afterHold, canaries, lost }: Round): string {
  const shares = canaries.map(({ kind, all }) => `${kind} of ${all}`).join(" and ");
  return [
    `Argo Rollouts alone ${argoRollouts.toFixed(2)} s`,
    `verified: pods ${pods.toFixed(2)} s, Git ${git.toFixed(2)} s`,
    `verdict ${afterHold.toFixed(2)} s after the hold`,
    `bad answers ${shares}`,
    `lost ${lost.length}${lost.length === 0 ? "" : ` (${[...new Set(lost)].join("; ")})`}`,
  ].join("; ");
}

function describeSpread(rounds: readonly Round[]): string {
  const spread = (name: string, values: readonly number[]): string => {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return `${name} ${median(values).toFixed(2)} s (${least.toFixed(2)} to ${most.toFixed(2)})`;
  };
  return [
    spread(
      "Argo Rollouts alone",
      rounds.map(({ argoRollouts }) => argoRollouts),
    ),
    spread(
      "verified, pods",
      rounds.map(({ pods }) => pods),
    ),
    spread(
      "verified, Git",
      rounds.map(({ git }) => git),
    ),
    spread(
      "verdict after the hold",
      rounds.map(({ afterHold }) => afterHold),
    ),
  ].join("; ");
}
