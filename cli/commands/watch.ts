import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../../core/error.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import {
  commitReleases,
  readRecords,
  summarize,
  type Records,
  type Release,
  type ReleaseResult,
} from "../../git/records.ts";
import {
  CommandError,
  duration,
  parseOptions,
  required,
  UsageError,
  type Command,
  type CommandContext,
} from "../command.ts";
import {
  environmentHelp,
  environmentOptions,
  findEnvironment,
  type DeliveryEnvironment,
} from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import type { Registry } from "../registry/client.ts";
import { newestImage } from "../registry/newest-image.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry/open-registry.ts";
import { report } from "../release/report.ts";

const help = `Releases what appears in the registry: looks at the repository of every service, and makes the environment run
the newest build by one commit. Newest is the highest build number of the tags STABLE.NUMBER (images.tag of the
stack file is STABLE); where no tag is of that form, the image that was built last. A digest that a rollback took
away is left alone. A repository that cannot be read does not hold back the others: with --once, the exit status is
then 1. On clusters, Argo CD Image Updater does this.

Usage: npx delivery watch --env ENVIRONMENT [OPTIONS]

  --env ENVIRONMENT    e.g. dev
  --interval DURATION  the pause between two looks, e.g. 5s or 2m (default: 5s)
  --once               look once, and end
  --json               print every release as one line of JSON
${environmentHelp}

${registryHelp}`;

export const command: Command = { summary: "release what appears in the registry", help, run };

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions(args, {
    ...environmentOptions,
    ...registryOptions,
    env: { type: "string" },
    interval: { type: "string", default: "5s" },
    once: { type: "boolean" },
    json: { type: "boolean" },
  });
  const environment = findEnvironment(new Project(), required("env", options.env), options);
  const interval = pauseOf(options.interval);
  const registry = await openRegistry(options, context);
  const look = async (): Promise<void> => {
    const { unread, ...result } = await releaseNewest(environment, registry);
    if (result.released.length > 0 || (options.once === true && unread.length === 0))
      report(environment, result, options.json === true, context);
    if (unread.length > 0)
      throw new CommandError(
        [`the images of some services of ${environment.name} cannot be read:`, ...unread].join("\n  "),
      );
  };
  if (options.once === true) return look();
  const { note, signal } = context;
  note(`watching the images of ${environment.name} every ${options.interval}`);
  while (!signal.aborted) {
    // What fails now may succeed at the next look; the same holds for all that the two servers can say.
    await look().catch((error: unknown) => note(`error: ${messageOf(error)}`));
    await sleep(interval, undefined, { signal }).catch(() => {});
  }
}

interface Look extends ReleaseResult {
  /** The services whose images cannot be read, each with the reason. */
  readonly unread: readonly string[];
}

/** One look: nothing is committed unless a digest differs. */
async function releaseNewest(environment: DeliveryEnvironment, registry: Registry): Promise<Look> {
  const seen = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
  const services = [...seen.keys()];
  const found = await Promise.allSettled(services.map((service) => newest(environment, registry, service)));
  const unread = found.flatMap((image, index) =>
    image.status === "rejected" ? [`${services[index]}: ${messageOf(image.reason)}`] : [],
  );
  const newer = newerThan(
    seen,
    found.flatMap((image) => (image.status === "fulfilled" ? image.value : [])),
  );
  if (newer.length === 0) return { commit: undefined, released: [], confirmed: [], retries: 0, unread };
  const result = await commitReleases({
    ...environment,
    // Seen from the tip as it is by then: a rollback in the meantime counts.
    choose: (records) => newerThan(records, newer),
    describe: (released) => ({
      subject: `release(${environment.name}): ${summarize(released)}`,
      trailers: ["Released-By: delivery watch"],
    }),
  });
  return { ...result, unread };
}

async function newest(environment: DeliveryEnvironment, registry: Registry, service: string): Promise<Release[]> {
  const repository = environment.imagesOf(service);
  const digest = await newestImage(registry, repository, environment.stableTag);
  return digest === undefined ? [] : [{ service, repository, digest }];
}

function newerThan(records: Records, releases: readonly Release[]): Release[] {
  return releases.filter(({ service, digest }) => {
    const record = records.get(service);
    return record !== undefined && record.image?.digest !== digest && record.rejected?.digest !== digest;
  });
}

function pauseOf(text: string): number {
  const pause = duration("interval", text);
  if (pause < 100)
    throw new UsageError(`--interval ${JSON.stringify(text)}: must be a duration such as 5s or 2m, at least 100ms`);
  return pause;
}

function messageOf(error: unknown): string {
  return errorMessage(error);
}
