import { commitReleases, summarize, type Records, type Release } from "../../git/records.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { environmentName, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import {
  environmentHelp,
  environmentOptions,
  findEnvironment,
  type DeliveryEnvironment,
} from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import { assertNotContracted } from "../migrations/contract.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry/open-registry.ts";
import { assertImagesComplete } from "../release/assert-images-exist.ts";
import { readEarlier, type EarlierRecords } from "../release/earlier-records.ts";
import { overwrittenLines } from "../release/registry-watch.ts";
import { rejection } from "../release/rejection.ts";
import { requestOptions, requestTrailers } from "../release/requested-by.ts";
import { report } from "../release/report.ts";

const options = {
  env: { value: "ENVIRONMENT", parse: environmentName, required: true, help: "e.g. prod" },
  service: { value: "NAME", multiple: true, help: "only this service; once per service", defaultText: "all" },
  to: {
    value: "COMMIT",
    parse: revision,
    help: "a commit of the deploy repository; fails if the same runs already",
    defaultText: `the newest one at which a service ran another digest; a second rollback thus takes the first one back`,
  },
  unverified: {
    help: "do not ask the registry whether it still has the images, which its retention may have removed",
  },
  json: { help: "print the result as JSON" },
  ...requestOptions,
  ...environmentOptions,
  ...registryOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "make an environment run what it ran before",
  description: [
    `Makes an environment run again what it ran at an earlier commit, by a new commit: Argo CD follows, and its automated
    sync stays on. What was taken away does not come back by itself: a watcher of the registry leaves its digest alone, and
    CI the commit that it was built from and those before. No migration runs: those of an earlier image have succeeded
    before it ran first. Behind one with migrations.contract there is no way back. A later change to the service ends that. Argo CD Image Updater
    (gitops.release registry-watch) knows nothing of that: the tag that it watches must be moved, too.`,
  ],
  usage: ["rollback --env ENVIRONMENT [--service NAME …] [--to COMMIT] [OPTIONS]"],
  options,
  notes: [...environmentHelp, registryHelp],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const environment = findEnvironment(new Project(), flags.env, flags);
  const registry = flags.unverified ? undefined : await openRegistry(flags, context);
  const earlier = await readEarlier(environment, flags.service, flags.to);
  const desired = restored(environment, earlier, earlier.seen);
  if (desired.length === 0)
    throw new CommandError(
      `${environment.name} already runs what it ran at ${earlier.commit} of ${earlier.services.join(", ")}; nothing was changed. Give another commit with --to`,
    );
  if (registry !== undefined) await assertImagesComplete(registry, desired);
  const result = await commitReleases({
    ...environment,
    choose: async (records, snapshot) => {
      assertNoNewerReleases(environment, earlier.seen, records, earlier.services);
      const releases = restored(environment, earlier, records);
      await assertNotContracted(environment, { releases, earlier: earlier.records, records, snapshot });
      return releases;
    },
    describe: (released) => ({
      subject: `rollback(${environment.name}): ${summarize(released)}`,
      trailers: [`Rollback-To: ${earlier.commit}`, ...requestTrailers(flags)],
    }),
  });
  report(environment, result, flags.json, context);
  for (const line of await overwrittenLines(environment, result.released, registry)) context.note(line);
}

function revision(text: string, option: string): string {
  if (/^[\w./~^-]+$/.test(text)) return text;
  throw new UsageError(`--${option} ${JSON.stringify(text)} is not a commit`);
}

/**
 * What has to be released again, under the present name of the images' repository: kustomize ignores images of any other name,
 * and would deploy no digest at all.
 */
function restored(environment: DeliveryEnvironment, earlier: EarlierRecords, records: Records): Release[] {
  return earlier.services.flatMap((service): Release[] => {
    const [before, current] = [earlier.records.get(service), records.get(service)];
    // A service that runs the digest already keeps its record, with all that newer commits have written into it.
    if (before?.image === undefined || before.image.digest === current?.image?.digest) return [];
    const { image, sourceCommit } = before;
    const repository = environment.imagesOf(service);
    return [{ service, repository, digest: image.digest, sourceCommit, rejected: rejection(image.digest, current) }];
  });
}

function assertNoNewerReleases(
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
