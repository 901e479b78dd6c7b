import type { DeployBranch } from "../../git/deploy-branch.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { readingOf, type Reading } from "../status/reading.ts";
import { ciLook, type CiLookArgs } from "./ci-look.ts";
import { clusterLook } from "./cluster-look.ts";
import { gitLook, readDirectory, recordsIn } from "./git-look.ts";
import { lastChangesIn } from "./last-changes.ts";
import { lookOf, overall, unknownLook, type DriftReport, type Look, type LookName } from "./model.ts";
import type { StackState } from "./stack-state.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";

/** How to look at one environment. Whatever throws is `unknown`. */
export interface DriftSources {
  readonly app: string;
  readonly environment: string;
  readonly delivery: "gitops" | "direct";
  readonly namespace: string;
  readonly argoCdNamespace: string;
  readonly deploy: DeployBranch | undefined;
  readonly ci: CiLookArgs;
  readonly cluster: () => KubernetesClient;
  /** The stack's state as the engine has it. */
  readonly state: () => Promise<StackState>;
  /** Asks the engine, which takes its time. */
  readonly stack: () => Promise<Look>;
}

/** How long the looks may take, in milliseconds; the engine has its own limits. */
const limits = { state: 120_000, git: 120_000, cluster: 60_000, ci: 60_000, stack: 3_600_000 } as const;

/** Looks everywhere that is wanted, side by side. Never throws. */
export async function collectDrift(sources: DriftSources, wanted: readonly LookName[]): Promise<DriftReport> {
  const looks = await looksOf(sources, new Set(wanted));
  const { app, environment } = sources;
  return { app, environment, takenAt: new Date().toISOString(), drift: overall(looks), looks };
}

async function looksOf(sources: DriftSources, wanted: ReadonlySet<LookName>): Promise<Look[]> {
  const state = await readingOf(() => sources.state(), limits.state);
  const stack = wanted.has("stack") ? readLook("stack", sources.stack, limits.stack) : undefined;
  const git = wanted.has("git") || wanted.has("cluster") ? lookIntoGit(sources, state) : undefined;
  const cluster = wanted.has("cluster") ? lookIntoCluster(sources, state, (await git)?.records) : undefined;
  const ci = wanted.has("ci") ? lookIntoCi(sources, state) : undefined;
  const looks = [await stack, wanted.has("git") ? (await git)?.look : undefined, await cluster, await ci];
  return looks.filter((look) => look !== undefined);
}

async function readLook(look: LookName, ask: (signal: AbortSignal) => Promise<Look>, limit: number): Promise<Look> {
  const reading = await readingOf(ask, limit);
  return "facts" in reading ? reading.facts : unknownLook(look, reading.reason);
}

interface GitReading {
  readonly look: Look;
  readonly records: ReadonlyMap<string, ReleaseRecord> | undefined;
}

async function lookIntoGit(sources: DriftSources, state: Reading<StackState>): Promise<GitReading> {
  const { deploy, delivery, environment } = sources;
  // With delivery `direct` nothing of it is in Git.
  if (delivery === "direct") return { look: lookOf("git", []), records: undefined };
  if (deploy === undefined)
    return { look: unknownLook("git", "the stack file names no deploy repository"), records: undefined };
  const reading = await readingOf(
    () =>
      readBranch(
        deploy,
        async (snapshot, git): Promise<GitReading> => {
          const facts = await readDirectory(snapshot, environment);
          const records = recordsIn(environment, facts);
          if ("reason" in state) return { look: unknownLook("git", withoutState(state.reason)), records };
          const { manifests } = state.facts;
          if (manifests === undefined)
            return { look: unknownLook("git", "the stack has not written to the deploy repository yet"), records };
          return { look: await gitLook(manifests, facts, lastChangesIn(git, snapshot.commit)), records };
        },
        "whole history",
      ),
    limits.git,
  );
  return "facts" in reading ? reading.facts : { look: unknownLook("git", reading.reason), records: undefined };
}

function lookIntoCluster(
  sources: DriftSources,
  state: Reading<StackState>,
  records: GitReading["records"],
): Promise<Look> {
  const { cluster, ...place } = sources;
  const declared = "facts" in state ? state.facts.objects : undefined;
  return readLook(
    "cluster",
    async (signal) => clusterLook(cluster(), { ...place, records, declared }, signal),
    limits.cluster,
  );
}

function lookIntoCi({ ci }: DriftSources, state: Reading<StackState>): Promise<Look> {
  return readLook(
    "ci",
    async (signal) => {
      if ("reason" in state) return unknownLook("ci", withoutState(state.reason));
      const { context } = state.facts;
      if (context === undefined) return unknownLook("ci", "the stack has no context yet");
      return ciLook(ci, context, signal);
    },
    limits.ci,
  );
}

function withoutState(reason: string): string {
  return `the stack's state cannot be read: ${reason}`;
}
