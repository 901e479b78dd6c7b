import type { DeployBranch } from "../../git/deploy-branch.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";
import { unsignedPaths } from "../../git/unsigned-paths.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { readingOf, type Reading } from "../status/reading.ts";
import type { CiLocation } from "../status/ci-status.ts";
import { ciCheck, type CiCheckArgs } from "./ci-check.ts";
import { clusterCheck } from "./cluster-check.ts";
import { gitCheck, lastChangesIn, readDirectory, recordsIn } from "./git-check.ts";
import { checkOf, overall, unknownCheck, type Check, type CheckName, type DriftReport } from "./report.ts";
import type { StackState } from "./stack-state.ts";

/** How to check one environment. A check whose source throws is `unknown`. */
export interface DriftSources {
  readonly app: string;
  readonly environment: string;
  readonly delivery: "gitops" | "direct";
  readonly namespace: string;
  readonly argoCdNamespace: string;
  readonly deploy: DeployBranch | undefined;
  /** Without `organizationId`, another engine than CircleCI runs the pipeline. */
  readonly ci: Omit<CiCheckArgs, "organizationId"> & Partial<Pick<CiLocation, "organizationId">>;
  readonly cluster: () => KubernetesClient;
  /** The stack's state as the engine has it. */
  readonly state: () => Promise<StackState>;
  /** Asks the engine, which takes minutes. */
  readonly stack: () => Promise<Check>;
}

/** How long the checks may take, in milliseconds; the engine has its own limits. */
const limits = { state: 120_000, git: 120_000, cluster: 60_000, ci: 60_000, stack: 3_600_000 } as const;

/** Makes the desired checks, side by side. Never throws. */
export async function collectDrift(sources: DriftSources, desired: readonly CheckName[]): Promise<DriftReport> {
  const checks = await checksOf(sources, new Set(desired));
  const { app, environment } = sources;
  return { app, environment, takenAt: new Date().toISOString(), drift: overall(checks), looks: checks };
}

async function checksOf(sources: DriftSources, desired: ReadonlySet<CheckName>): Promise<Check[]> {
  const state = await readingOf(() => sources.state(), limits.state);
  const stack = desired.has("stack") ? readCheck("stack", sources.stack, limits.stack) : undefined;
  const git = desired.has("git") || desired.has("cluster") ? checkGit(sources, state) : undefined;
  const cluster = desired.has("cluster") ? checkCluster(sources, state, (await git)?.records) : undefined;
  const ci = desired.has("ci") ? checkCi(sources, state) : undefined;
  const checks = [await stack, desired.has("git") ? (await git)?.check : undefined, await cluster, await ci];
  return checks.filter((check) => check !== undefined);
}

async function readCheck(name: CheckName, ask: (signal: AbortSignal) => Promise<Check>, limit: number): Promise<Check> {
  const reading = await readingOf(ask, limit);
  return "value" in reading ? reading.value : unknownCheck(name, reading.reason);
}

interface GitReading {
  readonly check: Check;
  readonly records: ReadonlyMap<string, ReleaseRecord> | undefined;
}

async function checkGit(sources: DriftSources, state: Reading<StackState>): Promise<GitReading> {
  const { deploy, delivery, environment } = sources;
  // With delivery `direct` the environment has nothing in Git.
  if (delivery === "direct") return { check: checkOf("git", []), records: undefined };
  if (deploy === undefined)
    return { check: unknownCheck("git", "the stack file names no deploy repository"), records: undefined };
  const reading = await readingOf(
    () =>
      readBranch(
        deploy,
        async (snapshot, git): Promise<GitReading> => {
          const status = await readDirectory(snapshot, environment);
          const records = recordsIn(environment, status);
          if ("reason" in state) return { check: unknownCheck("git", withoutState(state.reason)), records };
          const { manifests, laterWaves = [] } = state.value;
          if (manifests === undefined)
            return { check: unknownCheck("git", "the stack has not written to the deploy repository yet"), records };
          const { signing } = deploy;
          const checks: Check[] = [];
          for (const declared of [manifests, ...laterWaves]) {
            const { directory } = declared;
            const unsigned =
              signing === undefined || snapshot.commit === undefined
                ? []
                : await unsignedPaths(git, signing, snapshot.commit, directory);
            const found = directory === environment ? status : await readDirectory(snapshot, directory);
            checks.push(await gitCheck(declared, found, lastChangesIn(git, snapshot.commit), unsigned));
          }
          return {
            check: checkOf(
              "git",
              checks.flatMap(({ findings }) => findings),
            ),
            records,
          };
        },
        "whole history",
      ),
    limits.git,
  );
  return "value" in reading ? reading.value : { check: unknownCheck("git", reading.reason), records: undefined };
}

function checkCluster(
  sources: DriftSources,
  state: Reading<StackState>,
  records: GitReading["records"],
): Promise<Check> {
  const { cluster, ...location } = sources;
  const declared = "value" in state ? state.value.objects : undefined;
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
      const { organizationId } = ci;
      // Another engine runs the pipeline, where the stack declares nothing.
      if (organizationId === undefined) return checkOf("ci", []);
      if ("reason" in state) return unknownCheck("ci", withoutState(state.reason));
      const { contexts, pipelines } = state.value;
      if (contexts.length === 0) return unknownCheck("ci", "the stack has no context yet");
      return ciCheck({ ...ci, organizationId }, { contexts, pipelines }, signal);
    },
    limits.ci,
  );
}

function withoutState(reason: string): string {
  return `the stack's state cannot be read: ${reason}`;
}
