import { readBranch } from "../../git/deploy-repository.ts";
import { beforeLastRelease, beforeRunning, newestOfBuild, resolveCommit } from "../../git/record-history.ts";
import { readRecords, type Records } from "../../git/records.ts";
import { snapshotOf } from "../../git/snapshot.ts";
import { laterWaves } from "../../git/waves.ts";
import { CommandError } from "../command.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import { assertServicesKnown } from "./unknown-services.ts";

/** What an environment ran at an earlier commit. */
export interface EarlierRecords {
  readonly commit: string;
  /** The services in question: all of them ran something by then. */
  readonly services: readonly string[];
  readonly records: Records;
  /** The records of now. */
  readonly seen: Records;
  /** The same of the waves of clusters after the first. @default there is one wave */
  readonly laterWaves: readonly EarlierWave[];
}

/** What a service ran, by the commit of the monorepo that it was built from, or its digest. */
export interface EarlierBuild {
  readonly build: string;
}

/** What the clusters of a later wave ran at that commit. */
export interface EarlierWave {
  readonly directory: string;
  readonly records: Records;
  /** The records of now. */
  readonly seen: Records;
}

/**
 * @param named the services in question; `undefined`: all
 * @param to a commit of the deploy repository, or what the one named service was built from; `undefined`: the one before their
 *   last release
 * @param away the service of which what runs is to be taken away, also where a rollback has brought it back. @default none is
 * @throws CommandError where one of them ran nothing by then
 */
export async function readEarlier(
  environment: DeliveryEnvironment,
  named: readonly string[] | undefined,
  to: string | EarlierBuild | undefined,
  away?: string,
): Promise<EarlierRecords> {
  const { directory } = environment;
  return readBranch(
    environment,
    async (snapshot, git) => {
      const seen = await readRecords(snapshot, directory);
      assertServicesKnown(environment, seen, named ?? []);
      const asked = new Map([...seen].filter(([service]) => named?.includes(service) ?? true));
      const { commit: head } = snapshot;
      if (head === undefined || asked.size === 0)
        throw new CommandError(`${environment.name} has no services yet; nothing was changed`);
      const before = (): Promise<string | undefined> =>
        away === undefined
          ? beforeLastRelease(git, head, directory, asked)
          : beforeRunning(git, head, { directory, service: away });
      const found = async ({ build }: EarlierBuild): Promise<string> => {
        const [service = ""] = named ?? [];
        const commit = await newestOfBuild(git, head, { directory, service }, build);
        if (commit !== undefined) return commit;
        throw new CommandError(
          `${service} of ${environment.name} has never run what was built from ${build}; nothing was changed. \`delivery where ${build}\` says where that is`,
        );
      };
      const commit =
        to === undefined ? await before() : await (typeof to === "string" ? resolveCommit(git, head, to) : found(to));
      const records = commit === undefined ? new Map() : await readRecords(await snapshotOf(git, commit), directory);
      // The first release of one service must not keep the others from going back.
      const services = [...asked.keys()].filter((service) => records.get(service)?.image !== undefined);
      const missing = named?.filter((service) => !services.includes(service)) ?? [];
      if (commit === undefined || services.length === 0 || missing.length > 0) {
        const what = missing.length > 0 ? missing.join(", ") : environment.name;
        throw new CommandError(
          `${what} ran nothing ${to === undefined ? "before its last release" : `at ${typeof to === "string" ? to : commit}`}; nothing was changed. Release another digest instead`,
        );
      }
      const then = await snapshotOf(git, commit);
      const waves: EarlierWave[] = [];
      for (const wave of laterWaves(snapshot, directory))
        waves.push({
          directory: wave.directory,
          records: await readRecords(then, wave.directory),
          seen: await readRecords(snapshot, wave.directory),
        });
      return { commit, services, records, seen, laterWaves: waves };
    },
    "whole history",
  );
}
