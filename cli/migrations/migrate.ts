import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../../core/error.ts";
import { applicationName, migrationName } from "../../core/names.ts";
import { shortDigest, type Release } from "../../git/records.ts";
import type { Migration } from "../../git/migration-record.ts";
import { readMigrations, startMigration } from "../../git/migrations.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { CommandError } from "../command.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import { applicationStatus } from "../status/cluster-status.ts";
import { readJobLog, readJobState, type JobState } from "./job-state.ts";

// An image is released once the Job of its migrations has succeeded. The deploy repository says which Job there is to be, and is
// where several pipelines meet: whoever wants the migration of an image commits its Job on top of the one that it has seen, and
// whoever finds it there waits along. So it does not matter which of them is killed, and when: the next one goes on from what
// the repository and the cluster say. No Job takes the place of one that runs: Argo CD would remove that.

/** What has become of the migration of an image. */
export type MigrationOutcome =
  | { readonly state: "succeeded" }
  /** The migration of another image has taken its place. */
  | { readonly state: "superseded"; readonly by: string }
  | { readonly state: "pending"; readonly reason: string }
  | { readonly state: "failed"; readonly reason: string; readonly log: readonly string[] };

/** Where migrations run, and how their Jobs are asked. */
export interface MigrationCluster {
  readonly client: KubernetesClient;
  readonly app: string | undefined;
  readonly argoCdNamespace: string;
}

export interface MigrationPatience {
  /** How long Argo CD may take until there is a Job, in milliseconds; `undefined`: nothing is waited for. */
  readonly start: number | undefined;
  /** Whether a migration that has failed before is tried again. */
  readonly retryFailed: boolean;
}

interface MigrateArgs {
  readonly environment: DeliveryEnvironment;
  readonly release: Release;
  /** Whether it takes away what the images before need, beside what the deploy repository says. */
  readonly contract: boolean;
  readonly cluster: MigrationCluster;
  readonly patience: MigrationPatience;
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

/** How much longer than it may run a Job is waited for, in milliseconds: until a node has taken it, and its end is noted. */
const slack = 300_000;

/** How often people and CI are told that it still runs, in milliseconds: CI stops a job that says nothing for ten minutes. */
const heartbeat = 60_000;

/** Has the migration of an image run, unless it has, and waits for it. @throws CommandError if the cluster refuses */
export async function migrate(args: MigrateArgs): Promise<MigrationOutcome> {
  const { environment, release, contract, patience } = args;
  const { service, digest } = release;
  const waitedFrom = new Map<string, number>();
  const since = ({ job }: Migration): number => {
    const begun = waitedFrom.get(job) ?? Date.now();
    waitedFrom.set(job, begun);
    return begun;
  };
  let joined = false;
  let mayRetry = patience.retryFailed;
  for (;;) {
    const own = await readMigrations(environment, service);
    // It had migrations a moment ago, and has none any more.
    if (own === undefined) return { state: "succeeded" };
    const { newest } = own;
    if (newest?.image.digest !== digest) {
      if (joined && newest !== undefined) return { state: "superseded", by: newest.image.digest };
      if (newest !== undefined) {
        const { job, waited } = await finished(args, newest, since(newest));
        if (job.state === "missing" && waited === "for the record") continue;
        if (job.state === "missing" || job.state === "running")
          return pending(args, newest, job, "another release has its migration run");
      }
      await startMigration(environment, release, { seen: newest, contract });
      mayRetry = false;
      continue;
    }
    joined = true;
    const { job, waited } = await finished(args, newest, since(newest));
    if (job.state === "succeeded") return { state: "succeeded" };
    if (job.state === "failed" && mayRetry && waited === "not at all") {
      args.note(`${service}: its migration to ${shortDigest(digest)} has failed before (${job.message}); trying again`);
      mayRetry = false;
      await startMigration(environment, release, { seen: newest, contract });
      continue;
    }
    if (job.state === "failed")
      return { state: "failed", reason: job.message, log: await readJobLog(args.cluster.client, newest, args.signal) };
    if (job.state === "missing" && waited === "for the record") continue;
    return pending(args, newest, job, "it has not ended");
  }
}

async function pending(
  { cluster, environment, release, signal }: MigrateArgs,
  { image, job: name, namespace }: Migration,
  job: JobState,
  what: string,
): Promise<MigrationOutcome> {
  const state = "message" in job ? job.message : await missingReason(cluster, environment, release.service, signal);
  const reason = `${what}: Job ${name} in ${namespace}, of ${shortDigest(image.digest)}: ${state}`;
  return { state: "pending", reason };
}

/** Why there is no Job. */
async function missingReason(
  { client, app, argoCdNamespace }: MigrationCluster,
  { directory }: DeliveryEnvironment,
  service: string,
  signal: AbortSignal,
): Promise<string> {
  const name = app === undefined ? undefined : applicationName(app, directory, migrationName(service));
  const hint = "Argo CD has not made it";
  if (name === undefined) return hint;
  try {
    const path = `/apis/argoproj.io/v1alpha1/namespaces/${argoCdNamespace}/applications/${name}`;
    const { sync, health, message } = applicationStatus(await client.request("GET", path, { signal }), "");
    return `${hint}; its Application ${name} is ${sync}, ${health}${message === null ? "" : `: ${message}`}`;
  } catch (error) {
    return `${hint}; its Application ${name} cannot be asked (${errorMessage(error)})`;
  }
}

interface FinishedJob {
  readonly job: JobState;
  /** How it was waited for; one that is gone may be so since the record names another one. */
  readonly waited: "not at all" | "to the end" | "for the record";
}

/** How often a Job is looked for before the record is read again, which may name another one by now. */
const looksPerRecord = 12;

/** Waits until a Job has ended, or for as long as it may take. @param begun when the wait for it has begun */
async function finished(args: MigrateArgs, migration: Migration, begun: number): Promise<FinishedJob> {
  const { patience, note, signal, release } = args;
  const what = `${release.service}: migration to ${shortDigest(migration.image.digest)}`;
  let seenAt: number | undefined;
  let reported = "";
  let reportedAt = begun;
  for (let look = 0; ; look++) {
    const job = await readPatiently(args, migration);
    if (job.state === "succeeded" || job.state === "failed")
      return { job, waited: look === 0 ? "not at all" : "to the end" };
    const now = Date.now();
    // A Job that has been there is gone where the record names another one by now.
    if (job.state === "missing" && seenAt !== undefined) return { job, waited: "for the record" };
    if (job.state === "running") seenAt ??= now;
    const limit =
      seenAt === undefined ? begun + (patience.start ?? 0) : seenAt + migration.activeDeadlineSeconds * 1000 + slack;
    if (patience.start === undefined || now >= limit) return { job, waited: "to the end" };
    if (seenAt === undefined && look >= looksPerRecord) return { job, waited: "for the record" };
    const message = "message" in job ? job.message : "Argo CD has not made its Job yet";
    if (message !== reported || now - reportedAt >= heartbeat) {
      note(`${what}: ${message} (Job ${migration.job}, since ${Math.round((now - begun) / 1000)} s)`);
      reported = message;
      reportedAt = now;
    }
    await sleep(Math.min(250 * 1.3 ** look, 3000), undefined, { signal }).catch(() => {
      throw interrupted(release.service);
    });
  }
}

function interrupted(service: string): CommandError {
  return new CommandError(
    `interrupted while waiting for the migration of ${service}, which goes on; its release record was not moved. Run the same command again, which goes on from there`,
  );
}

/** An API server that does not answer may do so at the next look; one that refuses will not. */
async function readPatiently(
  { cluster, release, note, patience, signal }: MigrateArgs,
  migration: Migration,
): Promise<JobState> {
  try {
    return await readJobState(cluster.client, migration, signal);
  } catch (error) {
    if (error instanceof ApiError && [401, 403].includes(error.status)) throw new CommandError(errorMessage(error));
    if (signal.aborted) throw interrupted(release.service);
    if (patience.start === undefined) throw new CommandError(errorMessage(error), { cause: error });
    note(errorMessage(error));
    return { state: "running", message: "the cluster does not answer" };
  }
}
