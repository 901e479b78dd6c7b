import { readBranch } from "../../git/deploy-repository.ts";
import { beforeLastRelease, resolveCommit } from "../../git/record-history.ts";
import { commitReleases, readRecords, summarize, type Records, type Release } from "../../git/records.ts";
import type { Rejection, ReleaseRecord } from "../../git/release-record.ts";
import { snapshotOf } from "../../git/snapshot.ts";
import { CommandError, parseOptions, required, UsageError, type Command, type Surroundings } from "../command.ts";
import { environmentHelp, environmentOptions, findEnvironment, type DeliveryEnvironment } from "../environment.ts";
import { report } from "../report.ts";
import { refuseUnknownServices } from "../services.ts";

const help = `Makes an environment run again what it ran at an earlier commit, by a new commit: Argo CD follows, and its
automated sync stays on. What was taken away does not come back by itself: a watcher of the registry leaves its digest
alone, and CI the commit that it was built from and those before. A later change to the service ends that.

Usage: npx delivery rollback --env ENVIRONMENT [--service NAME …] [--to COMMIT] [OPTIONS]

  --env ENVIRONMENT    e.g. prod
  --service NAME       only this service; once per service (default: all)
  --to COMMIT          a commit of the deploy repository (default: the one before the last release; a second
                       rollback thus takes the first one back)
  --json               print the result as JSON
${environmentHelp}`;

export const command: Command = { summary: "make an environment run what it ran before", help, run };

async function run(args: readonly string[], surroundings: Surroundings): Promise<void> {
  const options = parseOptions(args, {
    ...environmentOptions,
    env: { type: "string" },
    service: { type: "string", multiple: true },
    to: { type: "string" },
    json: { type: "boolean" },
  });
  const environment = findEnvironment(required("env", options.env), options);
  if (options.to !== undefined && !/^[\w./-]+$/.test(options.to))
    throw new UsageError(`--to ${JSON.stringify(options.to)} is not a commit`);
  const earlier = await recordsBefore(environment, options.service, options.to);
  const result = await commitReleases({
    ...environment,
    choose: (records) => {
      refuseNewerReleases(environment, earlier.seen, records, earlier.services);
      return earlier.services.flatMap((service) =>
        restored(service, earlier.records.get(service), records.get(service)),
      );
    },
    describe: (released) => ({
      subject: `rollback(${environment.name}): ${summarize(released)}`,
      trailers: [`Rollback-To: ${earlier.commit}`],
    }),
  });
  report(environment, result, options.json === true, surroundings);
}

interface Earlier {
  /** The commit whose records are to come back. */
  readonly commit: string;
  readonly services: readonly string[];
  readonly records: Records;
  /** The records of now. */
  readonly seen: Records;
}

async function recordsBefore(
  environment: DeliveryEnvironment,
  named: readonly string[] | undefined,
  to: string | undefined,
): Promise<Earlier> {
  const { directory } = environment;
  return readBranch(
    environment,
    async (snapshot, git) => {
      const seen = await readRecords(snapshot, directory);
      refuseUnknownServices(environment, seen, named ?? []);
      const asked = named ?? [...seen.keys()];
      const { commit: tip } = snapshot;
      if (tip === undefined || asked.length === 0)
        throw new CommandError(`${environment.name} has no services yet; nothing was changed`);
      const commit =
        to === undefined ? await beforeLastRelease(git, tip, directory, asked) : await resolveCommit(git, tip, to);
      const records = commit === undefined ? new Map() : await readRecords(await snapshotOf(git, commit), directory);
      // The first release of one service must not keep the others from going back.
      const services = asked.filter((service) => records.get(service)?.image !== undefined);
      const missing = named === undefined ? [] : asked.filter((service) => !services.includes(service));
      if (commit === undefined || services.length === 0 || missing.length > 0) {
        const what = missing.length > 0 ? missing.join(", ") : environment.name;
        throw new CommandError(
          `${what} ran nothing ${to === undefined ? "before its last release" : `at ${to}`}; nothing was changed. Release another digest instead`,
        );
      }
      return { commit, services, records, seen };
    },
    "whole history",
  );
}

/** The image as it was, whatever its repository is called today. */
function restored(service: string, earlier: ReleaseRecord | undefined, current: ReleaseRecord | undefined): Release[] {
  if (earlier?.image === undefined) return [];
  const { image, sourceCommit } = earlier;
  // What runs already is also what newer commits have made.
  if (current?.image?.digest === image.digest) return [{ service, ...image }];
  return [{ service, ...image, sourceCommit, rejected: rejection(image.digest, current) }];
}

/** What must not come back by itself once this digest runs instead of what runs now. */
function rejection(digest: string, current: ReleaseRecord | undefined): Rejection | undefined {
  if (current?.image === undefined) return undefined;
  const { image, sourceCommit, rejected } = current;
  if (rejected?.sourceCommit === undefined) return { digest: image.digest, sourceCommit };
  // What the first of several rollbacks took away is the newest. Once it runs again, its own commit is what counts.
  return rejected.digest === digest ? { digest: image.digest } : rejected;
}

function refuseNewerReleases(
  environment: DeliveryEnvironment,
  seen: Records,
  records: Records,
  services: readonly string[],
): void {
  const newer = services.filter((service) => seen.get(service)?.image?.digest !== records.get(service)?.image?.digest);
  if (newer.length > 0)
    throw new CommandError(
      `${newer.join(", ")} of ${environment.name} was released at this moment; nothing was changed. Look at what runs now, and run the same command again`,
    );
}
