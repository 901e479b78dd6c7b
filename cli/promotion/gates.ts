import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { applicationName } from "../../core/names.ts";
import { shellProcess } from "../../core/shell.ts";
import { summarize, type Release } from "../../git/records.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { openCluster } from "../project/cluster.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { Project } from "../project/stack-file.ts";
import { listApplications, listDeployments, listPods } from "../status/cluster-status.ts";
import { endpointSettings, endpointsOf, type StatusEndpoints } from "../status/endpoints.ts";
import { readReleases } from "../status/git-status.ts";
import { reasonOf } from "../status/reading.ts";
import { readCandidates, type Candidates, type PromotionPath, type PromotionRules } from "./candidates.ts";
import { healthOf, type HealthStatus, type ServiceOutcome } from "./health.ts";

/** What must hold before digests are promoted. */
type GateName = "health" | "approval" | "test";

/** What a gate found. Holds nothing secret. */
export interface GateOutcome {
  readonly gate: GateName;
  readonly passed: boolean;
  /** What was found and, where it did not pass, the way out. */
  readonly detail: string;
  /** Where the gate looks at each service by itself. */
  readonly services?: readonly ServiceOutcome[];
}

function allPassed(outcomes: readonly GateOutcome[]): boolean {
  return outcomes.every(({ passed }) => passed);
}

/** One line per gate, and below it one per service that is in the way. */
export function gateLines(outcomes: readonly GateOutcome[]): string[] {
  const width = Math.max(0, ...outcomes.map(({ gate }) => gate.length));
  return outcomes.flatMap(({ gate, passed, detail, services = [] }) => [
    `${passed ? "✓" : "✗"} ${gate.padEnd(width)}  ${detail.replaceAll("\n", `\n${" ".repeat(width + 4)}`)}`,
    ...services
      .filter((service) => !service.passed)
      .map((service) => `  ${" ".repeat(width)}  ${service.service}: ${service.detail}`),
  ]);
}

interface GatesArgs extends PromotionPath {
  readonly project: Project;
  readonly rules: PromotionRules;
  readonly approval: Approval;
  /** How long to wait for what time alone can mend, in milliseconds. */
  readonly wait: number;
  readonly surroundings: CommandContext;
}

/** What is to be promoted, and what each gate says of it. */
interface GatedCandidates extends Candidates {
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

function openHealthGate({ project, from, surroundings }: GatesArgs, minutes: number): HealthGate {
  const file = project.stackFile(from.name);
  const settings = file.find(...endpointSettings);
  if (settings === undefined)
    throw new CommandError(
      `there is no ${file.path} in ${process.cwd()}, which says where ${from.name} runs: whether it is Healthy cannot be asked; nothing was changed`,
    );
  const { environment, signal } = surroundings;
  return {
    from,
    places: endpointsOf(from.name, settings),
    minutes,
    signal,
    cluster: () => openCluster(environment, settings.cluster.context),
  };
}

/** How a person has agreed, or will. */
interface Approval {
  /** The caller says that a person has approved. */
  readonly approved: boolean;
  /** The commit is merged by a person. */
  readonly pullRequest: boolean;
}

export function approvalGate(to: string, { approved, pullRequest }: Approval): GateOutcome {
  if (approved) return { gate: "approval", passed: true, detail: "a person has approved" };
  if (pullRequest) return { gate: "approval", passed: true, detail: "whoever merges the pull request approves" };
  const wayOut = "give --approved once someone has, as the job after CI's approval does; or --pull-request";
  return { gate: "approval", passed: false, detail: `${to} needs the approval of a person: ${wayOut}` };
}

/** For the commit: that someone approved, and where that can be looked up. */
export function approvalTrailer(environment: Readonly<Record<string, string | undefined>>): string {
  const workflow = environment["CIRCLE_WORKFLOW_ID"];
  if (workflow !== undefined && workflow !== "") return `Approved: in CircleCI's workflow ${workflow}`;
  return `Approved: by hand, ${environment["USER"] ?? environment["LOGNAME"] ?? "unknown user"}`;
}

interface HealthGate {
  /** Where the digests come from. */
  readonly from: DeliveryEnvironment;
  readonly places: Pick<StatusEndpoints, "app" | "environment" | "delivery" | "namespace" | "argoCdNamespace">;
  /** @throws Error where no cluster is known */
  readonly cluster: () => KubernetesClient;
  readonly minutes: number;
  readonly signal: AbortSignal;
}

/** Whether all of the digests have been running Healthy for so long. What cannot be asked does not pass. */
async function healthGate(gate: HealthGate, releases: readonly Release[]): Promise<GateOutcome> {
  const { from, minutes } = gate;
  try {
    const factsOf = await readHealth(gate);
    const now = Date.now();
    const services = releases.map((release) => healthOf(release, factsOf(release.service), minutes, now));
    const well = services.filter(({ passed }) => passed).length;
    const detail = `${well} of ${services.length} digests have been Healthy in ${from.name} for ${minutes} minutes`;
    return { gate: "health", passed: well === services.length, detail, services };
  } catch (error) {
    return { gate: "health", passed: false, detail: `${from.name} cannot be asked: ${reasonOf(error)}` };
  }
}

async function readHealth({ from, places, cluster, signal }: HealthGate): Promise<(service: string) => HealthStatus> {
  const argoCd = places.delivery === "gitops";
  const client = cluster();
  const [{ releases }, applications, deployments, pods] = await Promise.all([
    readReleases(from, from.directory),
    argoCd ? listApplications(client, places, signal) : [],
    listDeployments(client, places, signal),
    listPods(client, places, signal),
  ]);
  const named = (objects: readonly KubernetesObject[], name: string): KubernetesObject | undefined =>
    objects.find((object) => nameOf(object) === name);
  return (service) => ({
    argoCd,
    releasedAt: releases.find((release) => release.service === service)?.releasedAt ?? null,
    application: named(applications, applicationName(places.app, places.environment, service)),
    deployment: named(deployments, service),
    pods: pods.filter((pod) => stringAt(pod, "metadata", "labels", "app.kubernetes.io/name") === service),
  });
}

interface TestGate {
  readonly from: string;
  readonly to: string;
  /** Run in the program's directory, as CircleCI runs a step. */
  readonly test: string;
}

const shownLines = 10;

/** Runs the test command of an environment; all that it prints goes to standard error. */
async function testGate(
  { from, to, test }: TestGate,
  releases: readonly Release[],
  { environment, note, signal }: Pick<CommandContext, "environment" | "note" | "signal">,
): Promise<GateOutcome> {
  const directory = mkdtempSync(join(tmpdir(), "delivery-promote-"));
  try {
    const digests = join(directory, "digests.json");
    writeFileSync(digests, JSON.stringify(Object.fromEntries(releases.map((one) => [one.service, one.digest]))));
    const { command, args } = shellProcess(test);
    const child = spawn(command, args, {
      env: { ...environment, DELIVERY_FROM: from, DELIVERY_TO: to, DELIVERY_DIGESTS: digests },
      stdio: ["ignore", "pipe", "pipe"],
      signal,
    });
    const lines: string[] = [];
    const outputs = [child.stdout, child.stderr].map((stream) => createInterface({ input: stream }));
    for (const output of outputs) {
      output.on("line", (line) => {
        note(line);
        lines.push(line);
      });
    }
    const ended = await new Promise<string | undefined>((done) => {
      child.on("error", (error) => done(`cannot be run (${error.message})`));
      child.on("close", (code, killed) =>
        done(code === 0 ? undefined : `ended with ${killed ?? `exit status ${code}`}`),
      );
    });
    const name = `\`${test}\``;
    if (ended === undefined) return { gate: "test", passed: true, detail: `${name} has succeeded` };
    const last = lines.slice(-shownLines).map((line) => `\n  ${line}`);
    return { gate: "test", passed: false, detail: `${name} ${ended}${last.length > 0 ? ":" : ""}${last.join("")}` };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Says what the gates have found.
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
