import { commitReleases, summarize, type Release } from "../../git/records.ts";
import { commitSchema, digestSchema } from "../../git/release-record.ts";
import { parseOptions, required, UsageError, type Command, type CommandContext } from "../command.ts";
import { environmentHelp, environmentOptions, findEnvironment } from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry/open-registry.ts";
import { assertImagesExist } from "../release/assert-images-exist.ts";
import { readDigests } from "../release/digests-file.ts";
import { report } from "../release/report.ts";
import { dropSuperseded } from "../release/superseded.ts";
import { knownReleases, unknownServicesLine, type KnownReleases } from "../release/unknown-services.ts";

const help = `Writes digests into the release records of an environment, by one commit. The cluster follows.

Usage: npx delivery release --env ENVIRONMENT (--service NAME=DIGEST … | --digests FILE) [OPTIONS]

  --env ENVIRONMENT    e.g. dev
  --service NAME=DIGEST  a service and its image, e.g. link=sha256:0123…; once per service
  --digests FILE       the same as JSON, {"link": "sha256:0123…"}, as \`delivery build\` writes it; a directory: all
                       files in it that end with .json; - reads standard input. Of these, services that have no
                       release record yet are left out and named on standard error, if others have one
  --source-commit SHA  the commit that the images were built from; noted in the commit and the record. A service
                       that runs a build of a newer commit, or was rolled back from this or a newer one, is left
                       as it is; without this option the digests run whatever was before
  --new                also services that have no release record in the environment yet
  --unverified         do not ask the registry whether it has the images
  --json               print the result as JSON
${environmentHelp}

${registryHelp}`;

export const command: Command = { summary: "make an environment run these digests", help, run };

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions(args, {
    ...environmentOptions,
    ...registryOptions,
    env: { type: "string" },
    service: { type: "string", multiple: true },
    digests: { type: "string" },
    "source-commit": { type: "string" },
    new: { type: "boolean" },
    unverified: { type: "boolean" },
    json: { type: "boolean" },
  });
  const project = new Project();
  const environment = findEnvironment(project, required("env", options.env), options);
  const { digests, named } = await chosenDigests(options, context);
  const source = options["source-commit"];
  if (source !== undefined && !commitSchema.safeParse(source).success)
    throw new UsageError(`--source-commit ${JSON.stringify(source)} is not the id of a commit`);
  const releases: Release[] = [...digests].map(([service, digest]) => ({
    service,
    digest,
    repository: environment.imagesOf(service),
    sourceCommit: source,
  }));
  const monorepo = project.stackFile(environment.name).find("app")?.app.directory;
  if (options.unverified !== true) await assertImagesExist(await openRegistry(options, context), releases);
  let chosen: KnownReleases = { known: releases, unknown: [] };
  const result = await commitReleases({
    ...environment,
    choose: async (records) => {
      if (options.new !== true) chosen = knownReleases(environment, records, { releases, named });
      if (source === undefined) return chosen.known;
      return dropSuperseded(chosen.known, records, { commit: source, directory: monorepo, note: context.note });
    },
    describe: (released) => ({
      subject: `release(${environment.name}): ${summarize(released)}`,
      trailers: source === undefined ? [] : [`Source-Commit: ${source}`],
    }),
  });
  report(environment, result, options.json === true, context, { undeclared: chosen.unknown });
  if (chosen.unknown.length > 0) context.note(unknownServicesLine(environment.name, chosen.unknown));
}

async function chosenDigests(
  options: { service?: string[]; digests?: string },
  { input }: CommandContext,
): Promise<{ digests: ReadonlyMap<string, string>; named: ReadonlySet<string> }> {
  const named = (options.service ?? []).map((text): [string, string] => {
    const [service = "", digest = "", ...rest] = text.split("=");
    if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(service) || rest.length > 0)
      throw new UsageError(`--service ${JSON.stringify(text)}: must be NAME=DIGEST`);
    if (!digestSchema.safeParse(digest).success)
      throw new UsageError(`--service ${JSON.stringify(text)}: the digest must be sha256: and 64 hexadecimal digits`);
    return [service, digest];
  });
  const listed = options.digests === undefined ? [] : Object.entries(await readDigests(options.digests, input));
  const services = [...named, ...listed].map(([service]) => service);
  const twice = services.find((service, index) => services.indexOf(service) !== index);
  if (twice !== undefined) throw new UsageError(`${twice} is named twice; one digest can run`);
  if (services.length === 0 && options.digests === undefined)
    throw new UsageError("nothing to release; give --service NAME=DIGEST or --digests FILE");
  return { digests: new Map([...named, ...listed]), named: new Set(named.map(([service]) => service)) };
}
