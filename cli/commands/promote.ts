import { readBranch } from "../../git/deploy-repository.ts";
import { commitReleases, readRecords, summarize, type Records, type Release } from "../../git/records.ts";
import type { Snapshot } from "../../git/snapshot.ts";
import { CommandError, parseOptions, required, UsageError, type Command, type Surroundings } from "../command.ts";
import { environmentHelp, environmentOptions, findEnvironment, type DeliveryEnvironment } from "../environment.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry-access.ts";
import { report } from "../report.ts";
import { refuseUnknownServices } from "../services.ts";
import { refuseMissingImages } from "../verify.ts";

const help = `Makes an environment run the digests that another one runs, by one commit.

Usage: npx delivery promote --from ENVIRONMENT --to ENVIRONMENT [--service NAME …] [OPTIONS]

  --from ENVIRONMENT   where the digests were tested, e.g. dev
  --to ENVIRONMENT     where they are to run, e.g. staging
  --service NAME       only this service; once per service (default: all that both environments have)
  --unverified         do not ask the registry whether it has the images
  --json               print the result as JSON
${environmentHelp}

${registryHelp}`;

export const command: Command = { summary: "make an environment run what another one runs", help, run };

async function run(args: readonly string[], surroundings: Surroundings): Promise<void> {
  const options = parseOptions(args, {
    ...environmentOptions,
    ...registryOptions,
    from: { type: "string" },
    to: { type: "string" },
    service: { type: "string", multiple: true },
    unverified: { type: "boolean" },
    json: { type: "boolean" },
  });
  const from = findEnvironment(required("from", options.from), options);
  const to = findEnvironment(required("to", options.to), options);
  if (from.name === to.name) throw new UsageError(`--from and --to are both ${from.name}`);
  const registry = options.unverified === true ? undefined : await openRegistry(options, surroundings);
  const together = from.repository === to.repository && from.branch === to.branch;
  const result = await commitReleases({
    ...to,
    choose: async (records, snapshot) => {
      const tested = together
        ? await readRecords(snapshot, from.directory)
        : await readBranch(from, (source: Snapshot) => readRecords(source, from.directory));
      const releases = chosen(from, tested, to, records, options.service);
      if (registry !== undefined) await refuseMissingImages(registry, releases);
      return releases;
    },
    describe: (released) => ({
      subject: `promote(${from.name} → ${to.name}): ${summarize(released)}`,
      trailers: [`Promoted-From: ${from.name}`],
    }),
  });
  report(to, result, options.json === true, surroundings);
}

function chosen(
  from: DeliveryEnvironment,
  tested: Records,
  to: DeliveryEnvironment,
  records: Records,
  services: readonly string[] | undefined,
): Release[] {
  if (services !== undefined) {
    refuseUnknownServices(from, tested, services);
    refuseUnknownServices(to, records, services);
    const unreleased = services.filter((service) => tested.get(service)?.image === undefined);
    if (unreleased.length > 0)
      throw new CommandError(
        `${from.name} runs nothing of ${unreleased.join(", ")} yet; release there first; nothing was changed`,
      );
  }
  const releases = [...tested].flatMap(([service, { image }]) => {
    const wanted = services?.includes(service) ?? records.has(service);
    return wanted && image !== undefined ? [{ service, digest: image.digest, repository: to.imagesOf(service) }] : [];
  });
  if (releases.length === 0)
    throw new CommandError(
      `there is nothing to promote: ${from.name} runs no service that ${to.name} has; nothing was changed`,
    );
  return releases;
}
