import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { errorMessage } from "../../core/error.ts";
import { runProcess, type EndedProcess } from "../../core/process.ts";
import { shellProcess } from "../../core/shell.ts";
import { summarize, type Release } from "../../git/records.ts";
import { CommandError, type CommandContext } from "../command.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { Project } from "../project/stack-file.ts";
import { reasonOf } from "../status/reading.ts";
import { approvalGate, type Approval } from "./approval.ts";
import { readCandidates, type Candidates, type PromotionPath, type PromotionRules } from "./candidates.ts";
import { allPassed, gateLines, type GateOutcome } from "./gate-outcome.ts";
import { holdGate } from "./hold-gate.ts";
import { healthOf } from "./health.ts";
import { openHealthSource, readHealth, type HealthSource } from "./read-health.ts";

// What must hold before digests are promoted, and why it is asked like this:
// - Every gate that the stack file declares is asked, whatever the others say, so that one run names all that is missing.
//   Where there is nothing to promote, none is asked.
// - What cannot be asked does not pass: an unknown health is no health.
// - Only health is waited for, since it may come with time. A missing approval does not come by waiting, so that a promotion
//   without one does not wait at all. The test runs last and once, against what is then to be promoted.
// - What runs may change while a gate waits, so that the candidates are read again with every look at their health. Those
//   that passed are the ones that are written: candidates.ts compares them with what runs by then.

interface GatesArgs extends PromotionPath {
  readonly project: Project;
  readonly rules: PromotionRules;
  readonly approval: Approval;
  /** Pull requests that a person takes off hold by this promotion. @default none */
  readonly freed?: readonly number[] | undefined;
  /** How long to wait for health, in milliseconds. */
  readonly wait: number;
  readonly context: CommandContext;
}

/** What is to be promoted, and what each gate says of it. */
interface GatedCandidates extends Candidates {
  readonly outcomes: readonly GateOutcome[];
}

/** The longest pause between two looks, in milliseconds. A short wait has shorter pauses. */
const longestPause = 10_000;

/** Reads what is to be promoted, and asks every gate that the stack file declares. */
export async function askGates(args: GatesArgs): Promise<GatedCandidates> {
  const { rules, approval, from, to, context } = args;
  const health = rules.healthyMinutes === undefined ? undefined : openHealthGate(args, rules.healthyMinutes);
  // A digest that nobody has approved is not approved by waiting, and one that comes meanwhile is not either.
  const approvalOf = (pending: readonly Release[]): GateOutcome[] =>
    rules.approval || approval.approved !== undefined ? [approvalGate(to.name, approval, pending)] : [];
  const deadline = Date.now() + args.wait;
  const seen = await settledCandidates(args, health, (pending) => (allPassed(approvalOf(pending)) ? deadline : 0));
  if (seen.pending.length === 0) return seen;
  const approved = approvalOf(seen.pending);
  const held = rules.holds
    ? [
        await holdGate({
          project: args.project,
          to: to.name,
          pending: seen.pending,
          seen: seen.seen,
          freed: args.freed,
          context,
        }),
      ]
    : [];
  const { test } = rules;
  const tested =
    test === undefined ? [] : [await testGate({ from: from.name, to: to.name, test }, seen.pending, context)];
  return { ...seen, outcomes: [...seen.outcomes, ...approved, ...held, ...tested] };
}

/**
 * Reads the candidates and their health until they have been Healthy for long enough, or the time is up. It is no retry: a
 * look that finds them unhealthy has not failed, and the next one may find other candidates.
 */
async function settledCandidates(
  args: GatesArgs,
  health: HealthGate | undefined,
  deadlineFor: (pending: readonly Release[]) => number,
): Promise<GatedCandidates> {
  const { note, signal } = args.context;
  for (let reported = ""; ;) {
    const candidates = await readCandidates(args);
    if (health === undefined || candidates.pending.length === 0) return { ...candidates, outcomes: [] };
    const outcome = await healthGate(health, candidates.pending);
    const deadline = deadlineFor(candidates.pending);
    const left = deadline - Date.now();
    if (outcome.passed || left <= 0) return { ...candidates, outcomes: [outcome] };
    const lines = gateLines([outcome]).join("\n");
    if (lines !== reported) note(`waiting, at most until ${new Date(deadline).toISOString()}:\n${lines}`);
    reported = lines;
    await sleep(Math.min(longestPause, args.wait / 20, left), undefined, { signal }).catch(() => {
      throw new CommandError("interrupted while waiting for the gates; nothing was changed");
    });
  }
}

interface HealthGate extends HealthSource {
  readonly from: DeliveryEnvironment;
  readonly minutes: number;
}

function openHealthGate({ project, from, context }: GatesArgs, minutes: number): HealthGate {
  return { ...openHealthSource(project, from, context), from, minutes };
}

/** Whether all of the digests have been running Healthy for so long. */
async function healthGate(gate: HealthGate, releases: readonly Release[]): Promise<GateOutcome> {
  const { from, minutes } = gate;
  try {
    const statusOf = await readHealth(gate);
    const now = Date.now();
    const services = releases.map((release) => healthOf(release, statusOf(release.service), minutes, now));
    const healthy = services.filter(({ passed }) => passed).length;
    const detail = `${healthy} of ${services.length} digests have been Healthy in ${from.name} for ${minutes} minutes`;
    return { gate: "health", passed: healthy === services.length, detail, services };
  } catch (error) {
    return { gate: "health", passed: false, detail: `${from.name} cannot be asked: ${reasonOf(error)}` };
  }
}

interface TestGate {
  readonly from: string;
  readonly to: string;
  /** Run in the program's directory, as CircleCI runs a step. */
  readonly test: string;
}

/** Lines of a failed test's output that the gate shows. */
const shownLines = 10;

/** Runs the test command of an environment. What it prints goes to standard error. */
async function testGate(
  { from, to, test }: TestGate,
  releases: readonly Release[],
  { environment, note, signal }: Pick<CommandContext, "environment" | "note" | "signal">,
): Promise<GateOutcome> {
  using directory = temporaryDirectory("delivery-promote-");
  const digests = join(directory.path, "digests.json");
  writeFileSync(digests, JSON.stringify(Object.fromEntries(releases.map((one) => [one.service, one.digest]))));
  const { command, args } = shellProcess(test);
  const lines: string[] = [];
  const failure = await runProcess(command, args, {
    env: { ...environment, DELIVERY_FROM: from, DELIVERY_TO: to, DELIVERY_DIGESTS: digests },
    signal,
    onLine: (line) => {
      note(line);
      lines.push(line);
    },
  }).then(failureOf, (error: unknown) => `cannot be run (${errorMessage(error)})`);
  const name = `\`${test}\``;
  if (failure === undefined) return { gate: "test", passed: true, detail: `${name} has succeeded` };
  const last = lines.slice(-shownLines).map((line) => `\n  ${line}`);
  return { gate: "test", passed: false, detail: `${name} ${failure}${last.length > 0 ? ":" : ""}${last.join("")}` };
}

function failureOf({ code, signal }: EndedProcess): string | undefined {
  return code === 0 ? undefined : `ended with ${signal ?? `exit status ${code}`}`;
}

/**
 * Prints what the gates have found.
 * @throws CommandError that names every gate that does not hold
 */
export function assertGatesPassed(
  to: string,
  { pending, rolledBack, outcomes }: GatedCandidates,
  { check, json }: { check: boolean; json: boolean },
  { print, note }: Pick<CommandContext, "print" | "note">,
): void {
  const lines = gateLines(outcomes);
  const passed = allPassed(outcomes);
  if (json && (check || !passed)) {
    const services = pending.map(({ service, repository, digest }) => ({ service, repository, digest }));
    const stay = rolledBack.map(({ service }) => service);
    print(JSON.stringify({ environment: to, changed: false, passed, gates: outcomes, rolledBack: stay, services }));
  } else if (check && passed) {
    print(
      pending.length === 0
        ? `${to}: there is nothing to promote`
        : [...lines, `${to}: ${summarize(pending)} may be promoted`].join("\n"),
    );
  } else if (passed) {
    for (const line of lines) note(line);
  }
  if (passed) return;
  const failed = outcomes.filter((outcome) => !outcome.passed);
  const narrow = failed.some(({ services }) => services?.some((service) => service.passed))
    ? "; --service promotes only those that pass"
    : "";
  throw new CommandError(
    `${to}: not all gates hold; nothing was promoted${narrow}\n${lines.join("\n").replaceAll(/^/gm, "  ")}`,
  );
}
