import { errorMessage } from "../../core/error.ts";
import { migrationsIn } from "../../git/migrations.ts";
import {
  commitReleases,
  shortDigest,
  summarize,
  type Release,
  type ReleaseArgs,
  type ReleaseResult,
} from "../../git/records.ts";
import type { CommitOptions } from "../../git/deploy-repository.ts";
import { commitWaiting } from "../../git/waiting.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { openCluster } from "../project/cluster.ts";
import { duration, type OptionTable } from "../options.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { Project } from "../project/stack-file.ts";
import type { Held } from "../release/report.ts";
import { closedBy, type Closed } from "../release/windows.ts";
import { verifiedServices } from "../verification/rules.ts";
import { migrate, type MigrationCluster, type MigrationOutcome, type MigrationPatience } from "./migrate.ts";

/** The options of commands that release. */
export const migrationOptions = {
  "migration-wait": {
    value: "DURATION",
    parse: duration,
    default: "15m",
    help: `how long Argo CD may take to start the migration of an image; how long that may run then, the service says`,
    defaultText: "15m",
  },
} as const satisfies OptionTable;

export const migrationHelp = `An image of a service with migrations is released once the Job of its migrations has succeeded: by
  two commits, the first of which has Argo CD make the Job. Services without migrations are released at once. Where one fails, or
  takes too long, its service stays as it is, and the same command, run again, goes on from there. The Job is asked for at the
  cluster of the environment.`;

interface MigratedReleaseArgs extends Omit<ReleaseArgs, keyof DeliveryEnvironment | "isVerified"> {
  readonly environment: DeliveryEnvironment;
  readonly project: Project;
  readonly context: CommandContext;
  readonly patience: MigrationPatience;
  /** Why it is released although no window is open. @default it waits for one */
  readonly breakGlass?: string | undefined;
  /** Whether the migration of a service takes away what the images before need. @default as the deploy repository says */
  readonly isContract?: (service: string) => boolean;
}

export interface MigratedResult extends ReleaseResult {
  /** The services that were not released, each with the reason, for people. */
  readonly withheld: readonly string[];
  /** What was noted in place of being released, since nothing may be released now. @default it may */
  readonly held?: Held | undefined;
}

/**
 * Writes release records as `commitReleases` does, those of services with migrations once these have succeeded. While no window
 * of the environment is open, it only notes what is to be released then; a commit for a pull request waits for a person anyway.
 */
export async function releaseMigrated(given: MigratedReleaseArgs, options?: CommitOptions): Promise<MigratedResult> {
  const args = withReason(given);
  const { environment, project, context, choose, describe, breakGlass } = args;
  if (breakGlass === undefined && options?.pushTo === undefined) {
    const closed = closedBy(project.stackFile(environment.name));
    if (closed !== undefined) return hold(environment, choose, closed);
  }
  const { directory } = environment;
  const isVerified = verifiedServices(project, environment);
  let migrated: readonly Release[] = [];
  const first = await commitReleases(
    {
      ...environment,
      describe,
      isVerified,
      choose: async (records, snapshot) => {
        const chosen = await choose(records, snapshot);
        // The same digest is the same program, whatever its repository is called by now.
        const changed = chosen.filter(({ service, digest }) => records.get(service)?.image?.digest !== digest);
        const found = await migrationsIn(
          snapshot,
          directory,
          changed.map(({ service }) => service),
        );
        migrated = changed.filter(({ service }) => found.has(service));
        if (options?.pushTo !== undefined) assertNotProposed(migrated);
        const waiting = new Set(migrated);
        return chosen.filter((release) => !waiting.has(release));
      },
    },
    options,
  );
  if (
    first.released.length > 0 &&
    project
      .stackFile(environment.name)
      .find("clusters")
      ?.clusters?.some(({ wave }) => wave > 1)
  )
    context.note(
      `${environment.name}: the first wave of its clusters has it; \`delivery verify\` brings it to the next ones, each after the verdict of the one before`,
    );
  if (migrated.length === 0) return { ...first, withheld: [] };
  const cluster = openMigrationCluster(project, environment, context, migrated);
  const finished = await Promise.all(
    migrated.map(async (release) => {
      const outcome = await migrate({
        ...args,
        release,
        contract: args.isContract?.(release.service) ?? false,
        cluster,
        note: context.note,
        signal: context.signal,
      });
      if (outcome.state === "superseded") context.note(supersededLine(release.service, release.digest, outcome.by));
      if (outcome.state !== "succeeded") return { release, outcome, result: undefined };
      return { release, outcome, result: await releaseOne(args, release) };
    }),
  );
  const results = [first, ...finished.flatMap(({ result }) => result ?? [])];
  return {
    commit:
      results.findLast(({ released, confirmed }) => released.length + confirmed.length > 0)?.commit ?? first.commit,
    released: results.flatMap(({ released }) => released),
    confirmed: results.flatMap(({ confirmed }) => confirmed),
    retries: results.reduce((sum, { retries }) => sum + retries, 0),
    withheld: finished.flatMap(({ release, outcome }) => withheldLine(release, outcome) ?? []),
  };
}

/** The commit says why no window was waited for. */
function withReason(args: MigratedReleaseArgs): MigratedReleaseArgs {
  const { describe, breakGlass } = args;
  if (breakGlass === undefined) return args;
  return {
    ...args,
    describe: (released) => {
      const { subject, trailers = [] } = describe(released);
      return { subject, trailers: [...trailers, `Break-Glass: ${breakGlass}`] };
    },
  };
}

async function hold(
  environment: DeliveryEnvironment,
  choose: MigratedReleaseArgs["choose"],
  closed: Closed,
): Promise<MigratedResult> {
  const until = closed.until.toISOString();
  const { commit, waiting } = await commitWaiting({
    ...environment,
    choose,
    describe: (releases) => ({
      subject: `wait(${environment.name}): ${summarize(releases)} until ${until}`,
      trailers: [`Reason: ${closed.reason}`],
    }),
  });
  return { commit, released: [], confirmed: [], retries: 0, withheld: [], held: { closed, waiting } };
}

/** Whoever merges a pull request moves all records in it at once. */
function assertNotProposed(migrated: readonly Release[]): void {
  if (migrated.length === 0) return;
  const names = migrated.map(({ service }) => service).join(", ");
  throw new CommandError(
    `${names}: has migrations, and merging a pull request would release its image before they have run; nothing was changed. Promote it without --pull-request, e.g. behind the approval of CI (promotion.approval), and the others with --service`,
  );
}

/** By the second commit, which is made only where the record of the migration still names the image. */
async function releaseOne(
  { environment, project, choose, describe, context }: MigratedReleaseArgs,
  { service, digest }: Release,
): Promise<ReleaseResult> {
  return commitReleases({
    ...environment,
    describe,
    isVerified: verifiedServices(project, environment),
    choose: async (records, snapshot) => {
      const own = (await migrationsIn(snapshot, environment.directory, [service])).get(service);
      const { newest } = own ?? {};
      if (own !== undefined && newest?.image.digest !== digest) {
        context.note(supersededLine(service, digest, newest?.image.digest ?? "another image"));
        return [];
      }
      const chosen = await choose(records, snapshot);
      return chosen
        .filter((release) => release.service === service && release.digest === digest)
        .map((release) => ({ ...release, contractedBy: newest?.contractedBy ?? release.contractedBy }));
    },
  });
}

function withheldLine({ service, digest }: Release, outcome: MigrationOutcome): string | undefined {
  const start = `${service}: the migration to ${shortDigest(digest)}`;
  switch (outcome.state) {
    case "failed": {
      const log = outcome.log.map((line) => `\n    ${line}`).join("");
      return `${start} has failed: ${outcome.reason}${log === "" ? "" : `; its log ends with:${log}`}`;
    }
    case "pending":
      return `${start} has not succeeded: ${outcome.reason}`;
    // What another release does is no failure of this one.
    case "superseded":
    case "succeeded":
      return undefined;
  }
}

function supersededLine(service: string, digest: string, by: string): string {
  return `${service}: another release has the migration to ${shortDigest(by)} run by now, so ${shortDigest(digest)} is left to it`;
}

/** @throws CommandError where no cluster is known: then nothing of these services has changed */
function openMigrationCluster(
  project: Project,
  { name }: DeliveryEnvironment,
  { environment }: CommandContext,
  releases: readonly Release[],
): MigrationCluster {
  const settings = project.stackFile(name).find("app", "cluster", "gitops");
  try {
    return {
      client: openCluster(environment, settings?.cluster.context),
      app: settings?.app.name,
      argoCdNamespace: settings?.gitops?.argoCd.namespace ?? "argocd",
    };
  } catch (error) {
    throw new CommandError(
      `${releases.map(({ service }) => service).join(", ")} of ${name} has migrations, and whether they succeed cannot be asked (${errorMessage(error)}); it stays as it is. Give DELIVERY_KUBECONFIG, the content of a kubeconfig of a user who may read Jobs, pods and their logs there`,
      { cause: error },
    );
  }
}

/** @throws CommandError that names the services that were not released, and why */
export function assertNoneWithheld(environment: DeliveryEnvironment, { withheld }: MigratedResult): void {
  if (withheld.length === 0) return;
  throw new CommandError(
    [
      `${environment.name}: not released, and still as before:`,
      ...withheld,
      "What has failed is tried again by the same command; `delivery status` shows it, too",
    ].join("\n  "),
  );
}
