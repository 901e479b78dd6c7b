import type { DeployBranch } from "../../git/deploy-branch.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { readingOf, type Reading } from "../status/reading.ts";
import { ciCheck, type CiCheckArgs } from "./ci-check.ts";
import { clusterCheck } from "./cluster-check.ts";
import { gitCheck, lastChangesIn, readDirectory, recordsIn } from "./git-check.ts";
import { checkOf, overall, unknownCheck, type Check, type CheckName, type DriftReport } from "./report.ts";
import type { StackState } from "./stack-state.ts";

/** How to look at one environment. Whatever throws is `unknown`. */
export interface DriftSources {
  readonly app: string;
  readonly environment: string;
  readonly delivery: "gitops" | "direct";
  readonly namespace: string;
  readonly argoCdNamespace: string;
  readonly deploy: DeployBranch | undefined;
  readonly ci: CiCheckArgs;
  readonly cluster: () => KubernetesClient;
  /** The stack's state as the engine has it. */
  readonly state: () => Promise<StackState>;
  /** Asks the engine, which takes its time. */
  readonly stack: () => Promise<Check>;
}

/** How long the looks may take, in milliseconds; the engine has its own limits. */
const limits = { state: 120_000, git: 120_000, cluster: 60_000, ci: 60_000, stack: 3_600_000 } as const;

/** Looks everywhere that is wanted, side by side. Never throws. */
export async function collectDrift(sources: DriftSources, wanted: readonly CheckName[]): Promise<DriftReport> {
  const looks = await checksOf(sources, new Set(wanted));
  const { app, environment } = sources;
  return { app, environment, takenAt: new Date().toISOString(), drift: overall(looks), looks };
}

async function checksOf(sources: DriftSources, wanted: ReadonlySet<CheckName>): Promise<Check[]> {
  const state = await readingOf(() => sources.state(), limits.state);
  const stack = wanted.has("stack") ? readCheck("stack", sources.stack, limits.stack) : undefined;
  const git = wanted.has("git") || wanted.has("cluster") ? checkGit(sources, state) : undefined;
  const cluster = wanted.has("cluster") ? checkCluster(sources, state, (await git)?.records) : undefined;
  const ci = wanted.has("ci") ? checkCi(sources, state) : undefined;
  const looks = [await stack, wanted.has("git") ? (await git)?.look : undefined, await cluster, await ci];
  return looks.filter((look) => look !== undefined);
}

async function readCheck(look: CheckName, ask: (signal: AbortSignal) => Promise<Check>, limit: number): Promise<Check> {
  const reading = await readingOf(ask, limit);
  return "facts" in reading ? reading.facts : unknownCheck(look, reading.reason);
}

interface GitReading {
  readonly look: Check;
  readonly records: ReadonlyMap<string, ReleaseRecord> | undefined;
}

async function checkGit(sources: DriftSources, state: Reading<StackState>): Promise<GitReading> {
  const { deploy, delivery, environment } = sources;
  // With delivery `direct` nothing of it is in Git.
  if (delivery === "direct") return { look: checkOf("git", []), records: undefined };
  if (deploy === undefined)
    return { look: unknownCheck("git", "the stack file names no deploy repository"), records: undefined };
  const reading = await readingOf(
    () =>
      readBranch(
        deploy,
        async (snapshot, git): Promise<GitReading> => {
          const facts = await readDirectory(snapshot, environment);
          const records = recordsIn(environment, facts);
          if ("reason" in state) return { look: unknownCheck("git", withoutState(state.reason)), records };
          const { manifests } = state.facts;
          if (manifests === undefined)
            return { look: unknownCheck("git", "the stack has not written to the deploy repository yet"), records };
          return { look: await gitCheck(manifests, facts, lastChangesIn(git, snapshot.commit)), records };
        },
        "whole history",
      ),
    limits.git,
  );
  return "facts" in reading ? reading.facts : { look: unknownCheck("git", reading.reason), records: undefined };
}

function checkCluster(
  sources: DriftSources,
  state: Reading<StackState>,
  records: GitReading["records"],
): Promise<Check> {
  const { cluster, ...location } = sources;
  const declared = "facts" in state ? state.facts.objects : undefined;
  return readCheck(
    "cluster",
    async (signal) => clusterCheck(cluster(), { ...location, records, declared }, signal),
    limits.cluster,
  );
}

function checkCi({ ci }: DriftSources, state: Reading<StackState>): Promise<Check> {
  return readCheck(
    "ci",
    async (signal) => {
      if ("reason" in state) return unknownCheck("ci", withoutState(state.reason));
      const { context } = state.facts;
      if (context === undefined) return unknownCheck("ci", "the stack has no context yet");
      return ciCheck(ci, context, signal);
    },
    limits.ci,
  );
}

function withoutState(reason: string): string {
  return `the stack's state cannot be read: ${reason}`;
}
