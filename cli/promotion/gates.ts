import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, type CommandContext } from "../command.ts";
import { openCluster } from "../project/cluster.ts";
import { readStackSettings } from "../project/stack-file.ts";
import { placeSchema, placesOf } from "../status/sources.ts";
import { approvalGate, type Approval } from "./approval-gate.ts";
import { readCandidates, type Candidates, type PromotionPath } from "./candidates.ts";
import { allPassed, gateLines, type GateOutcome } from "./gate.ts";
import { healthGate, type HealthGate } from "./health-gate.ts";
import type { PromotionRules } from "./rules.ts";
import { testGate } from "./test-gate.ts";

export interface GatesArgs extends PromotionPath {
  readonly rules: PromotionRules;
  readonly approval: Approval;
  /** How long to wait for what time alone can mend, in milliseconds. */
  readonly wait: number;
  readonly surroundings: CommandContext;
}

/** What is to be promoted, and what each gate says of it. */
export interface GatedCandidates extends Candidates {
  readonly outcomes: readonly GateOutcome[];
}

/** The longest pause between two looks, in milliseconds. A short wait has shorter ones. */
const longestPause = 10_000;

/** Asks every gate that the stack file declares, whatever the others say. Where there is nothing to promote, none is asked. */
export async function askGates(args: GatesArgs): Promise<GatedCandidates> {
  const { rules, approval, from, to, surroundings } = args;
  const approved = rules.approval ? [approvalGate(to.name, approval)] : [];
  const health = rules.healthyMinutes === undefined ? undefined : openHealthGate(args, rules.healthyMinutes);
  // No time mends a missing approval.
  const deadline = Date.now() + (allPassed(approved) ? args.wait : 0);
  const seen = await settledCandidates(args, health, deadline);
  if (seen.pending.length === 0) return seen;
  const { test } = rules;
  const tested =
    test === undefined ? [] : [await testGate({ from: from.name, to: to.name, test }, seen.pending, surroundings)];
  return { ...seen, outcomes: [...seen.outcomes, ...approved, ...tested] };
}

/** Looks until the digests are Healthy for long enough, or the time is up. What runs may change between two looks. */
async function settledCandidates(
  args: GatesArgs,
  health: HealthGate | undefined,
  deadline: number,
): Promise<GatedCandidates> {
  const { note, signal } = args.surroundings;
  for (let told = ""; ;) {
    const candidates = await readCandidates(args);
    if (health === undefined || candidates.pending.length === 0) return { ...candidates, outcomes: [] };
    const outcome = await healthGate(health, candidates.pending);
    const left = deadline - Date.now();
    if (outcome.passed || left <= 0) return { ...candidates, outcomes: [outcome] };
    const lines = gateLines([outcome]).join("\n");
    if (lines !== told) note(`waiting, at most until ${new Date(deadline).toISOString()}:\n${lines}`);
    told = lines;
    await sleep(Math.min(longestPause, args.wait / 20, left), undefined, { signal }).catch(() => {
      throw new CommandError("interrupted while waiting for the gates; nothing was changed");
    });
  }
}

function openHealthGate({ from, surroundings }: GatesArgs, minutes: number): HealthGate {
  const settings = readStackSettings(from.name, placeSchema);
  if (settings === undefined)
    throw new CommandError(
      `there is no stacks/Pulumi.${from.name}.yaml in ${process.cwd()}, which says where ${from.name} runs: whether it is Healthy cannot be asked; nothing was changed`,
    );
  const { environment, signal } = surroundings;
  return {
    from,
    places: placesOf(from.name, settings),
    minutes,
    signal,
    cluster: () => openCluster(environment, settings.cluster.context),
  };
}
