import { summarize, type Release } from "../../git/records.ts";
import { migrationsIn } from "../../git/migrations.ts";
import { digestSchema } from "../../git/release-record.ts";
import type { Snapshot } from "../../git/snapshot.ts";
import { clusterHelp } from "../project/cluster.ts";
import { defineCommand, type CommandContext } from "../command.ts";
import { commitId, environmentName, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { contractOf } from "../migrations/contract.ts";
import {
  assertNoneWithheld,
  migrationHelp,
  migrationOptions,
  releaseMigrated,
} from "../migrations/release-migrated.ts";
import {
  environmentHelp,
  environmentOptions,
  findEnvironment,
  type DeliveryEnvironment,
} from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import { registryHelp, registryOptions } from "../registry/open-registry.ts";
import { releaseChecks } from "../release/assert-releasable.ts";
import { readDigests } from "../release/digests-file.ts";
import { deployed, deployMarkerOptions, listDeploys } from "../release/deploy-markers.ts";
import { report } from "../release/report.ts";
import { breakGlassOption, stillPromoted, waitingReleases, withoutHeld } from "../release/waiting.ts";
import { dropSuperseded } from "../release/superseded.ts";
import { signingHelp } from "../signing/assert-images-signed.ts";
import { knownReleases, unknownServicesLine, type KnownReleases } from "../release/unknown-services.ts";

const options = {
  env: { value: "ENVIRONMENT", parse: environmentName, required: true, help: "e.g. dev" },
  service: {
    value: "NAME=DIGEST",
    parse: namedDigest,
    multiple: true,
    help: "a service and its image, e.g. link=sha256:0123…; once per service",
  },
  digests: {
    value: "FILE",
    help: `the same as JSON, {"link": "sha256:0123…"}, as \`delivery build\` writes it; a directory: all files in it that
      end with .json; - reads standard input. Of these, services that have no release record yet are left out and named
      on standard error, if others have one`,
  },
  "source-commit": {
    value: "SHA",
    parse: commitId,
    help: `the commit that the images were built from; noted in the commit and the record. A service that runs a build of a
      newer commit, or was rolled back from this or a newer one, is left as it is; without this option the digests run
      whatever was before`,
  },
  new: { help: "also services that have no release record in the environment yet" },
  waiting: {
    help: `in place of digests: what was released while no window of the environment was open (windows, freeze), as far as one is
      open now, and it still is what promotion.from runs`,
  },
  ...breakGlassOption,
  unverified: { help: "do not ask the registry whether it has the images" },
  json: { help: "print the result as JSON" },
  ...deployMarkerOptions,
  ...migrationOptions,
  ...environmentOptions,
  ...registryOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "make an environment run these digests",
  description: [
    `Writes digests into the release records of an environment, by one commit. The cluster follows. While no window of the
    environment is open (windows, freeze), they are noted there instead, and wait.`,
  ],
  usage: [
    "release --env ENVIRONMENT (--service NAME=DIGEST … | --digests FILE) [OPTIONS]",
    "release --env ENVIRONMENT --waiting [OPTIONS]",
  ],
  options,
  notes: [signingHelp, migrationHelp, clusterHelp, ...environmentHelp, registryHelp],
  run,
});

type ReleaseOptions = OptionValues<typeof options>;

async function run(flags: ReleaseOptions, context: CommandContext): Promise<void> {
  const { "source-commit": source } = flags;
  const project = new Project();
  const environment = findEnvironment(project, flags.env, flags);
  if (flags.waiting) return releaseWaiting(project, environment, flags, context);
  const { digests, named } = await chosenDigests(flags, context);
  const releases: Release[] = [...digests].map(([service, digest]) => ({
    service,
    digest,
    repository: environment.imagesOf(service),
    sourceCommit: source,
  }));
  const settings = project.stackFile(environment.name).find("app", "github");
  const { assertReleasable } = await releaseChecks(project.stackFile(environment.name), flags, context);
  await assertReleasable(releases);
  let chosen: KnownReleases = { known: releases, unknown: [] };
  const result = await releaseMigrated({
    environment,
    project,
    context,
    patience: { start: flags["migration-wait"], retryFailed: true },
    breakGlass: flags["break-glass"],
    isContract: contractOf(project, environment.name),
    choose: async (records, snapshot) => {
      if (!flags.new) chosen = knownReleases(environment, records, { releases, named });
      if (source === undefined) return chosen.known;
      return dropSuperseded(chosen.known, records, {
        commit: source,
        directory: settings?.app.directory,
        branch: settings?.github?.branch,
        note: context.note,
        migrating: await migratingCommits(snapshot, environment.directory, chosen.known),
      });
    },
    describe: (released) => ({
      subject: `release(${environment.name}): ${summarize(released)}`,
      trailers: source === undefined ? [] : [`Source-Commit: ${source}`],
    }),
  });
  report(environment, result, flags.json, context, { undeclared: chosen.unknown });
  if (flags["deploy-markers"]) await listDeploys(environment.name, deployed(result.released), context);
  if (chosen.unknown.length > 0) context.note(unknownServicesLine(environment.name, chosen.unknown));
  assertNoneWithheld(environment, result);
}

/** What was to be released while no window was open. */
async function releaseWaiting(
  project: Project,
  environment: DeliveryEnvironment,
  flags: ReleaseOptions,
  context: CommandContext,
): Promise<void> {
  if (flags.service !== undefined || flags.digests !== undefined || flags["source-commit"] !== undefined)
    throw new UsageError("--waiting takes no digests; they are noted in the release records");
  const noted = await waitingReleases(environment);
  const promoted = await stillPromoted(project, environment, flags, noted, context.note);
  const kept = await withoutHeld(project, environment, promoted, context);
  if (kept.length === 0)
    return context.print(
      flags.json
        ? JSON.stringify({ environment: environment.name, changed: false })
        : `${environment.name}: ${promoted.length === 0 ? "nothing waits" : "nothing that waits may be released"}`,
    );
  const { assertReleasable } = await releaseChecks(project.stackFile(environment.name), flags, context);
  await assertReleasable(kept);
  const result = await releaseMigrated({
    environment,
    project,
    context,
    patience: { start: flags["migration-wait"], retryFailed: true },
    breakGlass: flags["break-glass"],
    isContract: contractOf(project, environment.name),
    choose: (records) => kept.filter(({ service, digest }) => records.get(service)?.waiting?.digest === digest),
    describe: (released) => ({
      subject: `release(${environment.name}): ${summarize(released)}`,
      trailers: ["Released-By: delivery release --waiting"],
    }),
  });
  report(environment, result, flags.json, context);
  if (flags["deploy-markers"]) await listDeploys(environment.name, deployed(result.released), context);
  assertNoneWithheld(environment, result);
}

/** The commits whose migrations have begun: those are newer than what is released, and an older one must not follow. */
async function migratingCommits(
  snapshot: Snapshot,
  directory: string,
  releases: readonly Release[],
): Promise<ReadonlyMap<string, string>> {
  const services = releases.map(({ service }) => service);
  const found = [...(await migrationsIn(snapshot, directory, services))];
  return new Map(
    found.flatMap(([service, { newest }]) =>
      newest?.sourceCommit === undefined ? [] : [[service, newest.sourceCommit]],
    ),
  );
}

async function chosenDigests(
  { service: named = [], digests: file }: ReleaseOptions,
  { input }: CommandContext,
): Promise<{ digests: ReadonlyMap<string, string>; named: ReadonlySet<string> }> {
  const listed = file === undefined ? [] : Object.entries(await readDigests(file, input));
  const services = [...named, ...listed].map(([service]) => service);
  const twice = services.find((service, index) => services.indexOf(service) !== index);
  if (twice !== undefined) throw new UsageError(`${twice} is named twice; one digest can run`);
  if (services.length === 0 && file === undefined)
    throw new UsageError("nothing to release; give --service NAME=DIGEST or --digests FILE");
  return { digests: new Map([...named, ...listed]), named: new Set(named.map(([service]) => service)) };
}

function namedDigest(text: string, option: string): readonly [service: string, digest: string] {
  const [service = "", digest = "", ...rest] = text.split("=");
  if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(service) || rest.length > 0)
    throw new UsageError(`--${option} ${JSON.stringify(text)}: must be NAME=DIGEST`);
  if (!digestSchema.safeParse(digest).success)
    throw new UsageError(`--${option} ${JSON.stringify(text)}: the digest must be sha256: and 64 hexadecimal digits`);
  return [service, digest];
}
