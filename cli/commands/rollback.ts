import { defineCommand, type CommandContext } from "../command.ts";
import { environmentName, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { environmentHelp, environmentOptions, findEnvironment } from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import { deployMarkerOptions, listDeploys } from "../release/deploy-markers.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry/open-registry.ts";
import { overwrittenLines } from "../release/registry-watch.ts";
import { requestOptions, requestTrailers } from "../release/requested-by.ts";
import { report } from "../release/report.ts";
import { rollBack } from "../release/roll-back.ts";
import { verifiedServices } from "../verification/rules.ts";

const options = {
  env: { value: "ENVIRONMENT", parse: environmentName, required: true, help: "e.g. prod" },
  service: { value: "NAME", multiple: true, help: "only this service; once per service", defaultText: "all" },
  to: {
    value: "COMMIT",
    parse: revision,
    help: "a commit of the deploy repository; fails if the same runs already",
    defaultText: `the newest one at which a service ran another digest, but none that was taken back for a reason, as by verify; a
      second rollback thus takes the first one back`,
  },
  "to-build": {
    value: "COMMIT",
    parse: build,
    help: `in place of --to: what one service ran when it was built from this commit of the monorepo; or the digest of that`,
  },
  reason: {
    value: "TEXT",
    parse: oneLine,
    help: "why, in one line; the commit and the records say it",
  },
  unverified: {
    help: "do not ask the registry whether it still has the images, which its retention may have removed",
  },
  json: { help: "print the result as JSON" },
  ...deployMarkerOptions,
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
    before it ran first. Behind one with migrations.contract there is no way back. Where an environment has several clusters, the same commit is of all. A later change to the service ends that. Argo CD Image Updater
    (gitops.release registry-watch) knows nothing of that: the tag that it watches must be moved, too.`,
  ],
  usage: [
    "rollback --env ENVIRONMENT [--service NAME …] [--to COMMIT] [OPTIONS]",
    "rollback --env ENVIRONMENT --service NAME --to-build COMMIT [OPTIONS]",
  ],
  options,
  notes: [...environmentHelp, registryHelp],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const { "to-build": toBuild } = flags;
  if (toBuild !== undefined && flags.to !== undefined) throw new UsageError("--to and --to-build exclude one another");
  if (toBuild !== undefined && flags.service?.length !== 1)
    throw new UsageError("--to-build is about one service: give one --service");
  const project = new Project();
  const environment = findEnvironment(project, flags.env, flags);
  const registry = flags.unverified ? undefined : await openRegistry(flags, context);
  const result = await rollBack(environment, {
    services: flags.service,
    to: toBuild === undefined ? flags.to : { build: toBuild },
    ...(flags.reason === undefined ? {} : { reason: flags.reason }),
    registry,
    trailers: requestTrailers(flags),
    isVerified: verifiedServices(project, environment),
  });
  report(environment, result, flags.json, context);
  if (flags["deploy-markers"]) await listDeploys(environment.name, result.released, context, true);
  for (const line of await overwrittenLines(environment, result.released, registry)) context.note(line);
}

function revision(text: string, option: string): string {
  if (/^[\w./~^-]+$/.test(text)) return text;
  throw new UsageError(`--${option} ${JSON.stringify(text)} is not a commit`);
}

function build(text: string, option: string): string {
  if (/^([0-9a-f]{7,64}|sha256:[0-9a-f]{64})$/.test(text)) return text;
  throw new UsageError(`--${option} ${JSON.stringify(text)}: must be the id of a commit of the monorepo, or a digest`);
}

/** Empty: nobody has given one. It becomes a line of the commit: more would be lines of somebody's choice. */
function oneLine(text: string): string | undefined {
  return (
    text
      .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
      .trim()
      .slice(0, 500) || undefined
  );
}
