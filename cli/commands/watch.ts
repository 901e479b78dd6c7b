import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../../core/error.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, summarize, type Records, type Release } from "../../git/records.ts";
import { reasonAgainst } from "../../git/rejection.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { duration, environmentName, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import {
  environmentHelp,
  environmentOptions,
  findEnvironment,
  type DeliveryEnvironment,
} from "../project/environment.ts";
import { releaseMigrated, type MigratedResult } from "../migrations/release-migrated.ts";
import { Project } from "../project/stack-file.ts";
import { registryClient, type Registry } from "../registry/client.ts";
import { newestImage } from "../registry/newest-image.ts";
import { givenLogin, registryAccess, registryHelp, registryOptions } from "../registry/open-registry.ts";
import type { RegistryOptions } from "../registry/session.ts";
import { heldLines, report } from "../release/report.ts";
import { signingHelp, signingPolicy, unsignedImages, type SigningPolicy } from "../signing/assert-images-signed.ts";

const options = {
  env: { value: "ENVIRONMENT", parse: environmentName, required: true, help: "e.g. dev" },
  interval: {
    value: "DURATION",
    parse: pause,
    default: "5s",
    help: "the pause between two looks, e.g. 5s or 2m",
  },
  once: { help: "look once, and end" },
  json: { help: "print every release as one line of JSON" },
  ...environmentOptions,
  ...registryOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "release what appears in the registry",
  description: [
    `Releases what appears in the registry: looks at the repository of every service, and makes the environment run the
    newest build by one commit. Newest is the highest build number of the tags STABLE.NUMBER (images.tag of the stack file
    is STABLE); where no tag is of that form, what the tag STABLE names, or else the image that was built last. Numbers
    that begin again are told, and not released. A digest that a rollback took away is left alone. A repository that
    cannot be read does not hold back the others: with --once, the exit status is then 1. On clusters, Argo CD Image
    Updater does this.`,
  ],
  usage: ["watch --env ENVIRONMENT [OPTIONS]"],
  options,
  notes: [signingHelp, ...environmentHelp, registryHelp],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const { interval, once, json } = flags;
  const project = new Project();
  const environment = findEnvironment(project, flags.env, flags);
  const access = registryAccess(await givenLogin(flags, context), context);
  const registry = registryClient(access);
  const policy = signingPolicy(project.stackFile(environment.name));
  const reported = new Set<string>();
  const look = async (): Promise<void> => {
    const { unread, doubts, ...result } = await releaseNewest(environment, registry, {
      project,
      context,
      policy,
      access,
    });
    const remarks = [...doubts, ...result.withheld, ...(result.held ? heldLines(environment.name, result.held) : [])];
    for (const remark of remarks.filter((line) => !reported.has(line))) context.note(remark);
    for (const remark of remarks) reported.add(remark);
    if (result.released.length > 0 || (once && unread.length === 0)) report(environment, result, json, context);
    if (unread.length > 0)
      throw new CommandError(
        [`the images of some services of ${environment.name} cannot be read:`, ...unread].join("\n  "),
      );
  };
  if (once) return look();
  const { note, signal } = context;
  note(`watching the images of ${environment.name} every ${interval.text}`);
  while (!signal.aborted) {
    // Whatever the registry or the deploy repository answers now, the next look may succeed.
    await look().catch((error: unknown) => note(`error: ${errorMessage(error)}`));
    await sleep(interval.milliseconds, undefined, { signal }).catch(() => {});
  }
}

interface Look extends MigratedResult {
  /** The services whose images cannot be read, each with the reason. */
  readonly unread: readonly string[];
  /** Why what is newest by its number may not be what was built last. */
  readonly doubts: readonly string[];
}

interface LookArgs {
  readonly project: Project;
  readonly context: CommandContext;
  /** @default any image is released */
  readonly policy: SigningPolicy | undefined;
  readonly access: RegistryOptions;
}

/** One look: nothing is committed unless a digest differs. */
async function releaseNewest(
  environment: DeliveryEnvironment,
  registry: Registry,
  { project, context, policy, access }: LookArgs,
): Promise<Look> {
  const seen = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
  const services = [...seen.keys()];
  const found = await Promise.allSettled(services.map((service) => newestOf(environment, registry, service)));
  const unread = found.flatMap((image, index) =>
    image.status === "rejected" ? [`${services[index]}: ${errorMessage(image.reason)}`] : [],
  );
  const images = found.flatMap((image) => (image.status === "fulfilled" ? image.value : []));
  const newest = newerThan(seen, images);
  const unsigned = policy === undefined ? [] : await unsignedImages(policy, newest, access);
  const newer = newest.filter((release) => unsigned.every((other) => other.release !== release));
  const doubts = [
    ...images.flatMap(({ doubt }) => doubt ?? []),
    ...unsigned.map(
      ({ release, problem }) => `${release.service}: ${problem}; it is not released (images.signing.verify)`,
    ),
  ];
  if (newer.length === 0)
    return { commit: undefined, released: [], confirmed: [], retries: 0, withheld: [], unread, doubts };
  const result = await releaseMigrated({
    environment,
    project,
    context,
    // The next look goes on: a migration that takes its time must not hold up what others have built.
    patience: { start: undefined, retryFailed: false },
    // Seen from the head as it is by then: a rollback in the meantime counts.
    choose: (records) => newerThan(records, newer),
    describe: (released) => ({
      subject: `release(${environment.name}): ${summarize(released)}`,
      trailers: ["Released-By: delivery watch"],
    }),
  });
  return { ...result, unread, doubts };
}

/** That of `images.tag`, where there is no stack file. */
const defaultTag = "latest";

interface NewestRelease extends Release {
  readonly tag: string | undefined;
  readonly doubt: string | undefined;
}

async function newestOf(
  environment: DeliveryEnvironment,
  registry: Registry,
  service: string,
): Promise<NewestRelease[]> {
  const repository = environment.imagesOf(service);
  const image = await newestImage(registry, repository, environment.stableTag ?? defaultTag);
  return image === undefined ? [] : [{ service, repository, digest: image.digest, tag: image.tag, doubt: image.doubt }];
}

function newerThan<R extends Release>(records: Records, releases: readonly R[]): R[] {
  return releases.filter(({ service, digest }) => {
    const record = records.get(service);
    if (record === undefined || record.image?.digest === digest) return false;
    return record.rejected?.digest !== digest && reasonAgainst(digest, record) === undefined;
  });
}

function pause(text: string, option: string): { readonly text: string; readonly milliseconds: number } {
  const milliseconds = duration(text, option);
  if (milliseconds >= 100) return { text, milliseconds };
  throw new UsageError(`--${option} ${JSON.stringify(text)}: must be a duration such as 5s or 2m, at least 100ms`);
}
