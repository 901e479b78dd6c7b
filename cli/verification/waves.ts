import { readBranch } from "../../git/deploy-repository.ts";
import {
  commitReleases,
  isSameImage,
  readRecords,
  shortDigest,
  summarize,
  type Records,
  type Release,
} from "../../git/records.ts";
import { reasonAgainst } from "../../git/rejection.ts";
import { laterWaves, waveDirectory } from "../../git/waves.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { openCluster } from "../project/cluster.ts";
import { environmentClusters } from "../project/environment-clusters.ts";
import { environmentTitle, type DeliveryEnvironment } from "../project/environment.ts";
import type { Project } from "../project/stack-file.ts";
import { openHealthSource } from "../promotion/read-health.ts";
import type { Registry } from "../registry/client.ts";
import { closedBy } from "../release/windows.ts";
import { endpointSettings } from "../status/endpoints.ts";
import { releasesReader } from "../status/git-status.ts";
import type { ServiceRules } from "./rules.ts";
import type { AskedCluster } from "./look.ts";
import { verify, type Verified, type VerifiedService } from "./verify.ts";

// What is released is in the first wave. Whoever verifies carries it on: once an image has proved itself on all clusters of a wave,
// a commit of its own brings it to the next one. As with verdicts, all that is known lies in Git, so that it does not matter which
// of several waiters is killed, and when.

/** Clusters that get a release at the same time. */
export interface VerifiedWave {
  /** With the wave's directory. */
  readonly environment: DeliveryEnvironment;
  readonly clusters: readonly [AskedCluster, ...AskedCluster[]];
}

/** The waves of an environment; it has one where its stack file names no further clusters. */
export function openWaves(
  project: Project,
  environment: DeliveryEnvironment,
  context: Pick<CommandContext, "environment" | "signal">,
): readonly VerifiedWave[] {
  const source = openHealthSource(project, environment, context);
  const settings = project.stackFile(environment.name).read(...endpointSettings);
  const clusters = environmentClusters(source.endpoints.environment, settings);
  const numbers = [...new Set(clusters.map(({ wave }) => wave))].toSorted((one, other) => one - other);
  return numbers.map((number) => {
    const { directory } = environment;
    const wave = numbers.length === 1 ? undefined : { number, firstDirectory: directory };
    const own = { ...environment, directory: waveDirectory(directory, number), wave };
    const releases = releasesReader(own, own.directory);
    const [first, ...others] = clusters
      .filter((cluster) => cluster.wave === number)
      .map(({ name, context: inKubeconfig, argoCdName }): AskedCluster => ({
        name,
        source: {
          ...source,
          releases,
          endpoints: { ...source.endpoints, environment: argoCdName },
          cluster: () => openCluster(context.environment, inKubeconfig),
          argoCdCluster: source.cluster,
        },
      }));
    if (first === undefined) throw new Error("unreachable: the wave is that of a cluster");
    return { environment: own, clusters: [first, ...others] };
  });
}

interface VerifyWavesArgs {
  readonly project: Project;
  readonly waves: readonly VerifiedWave[];
  readonly rulesOf: (service: string) => ServiceRules | undefined;
  /** Those to ask, whatever their records say. @default all that wait for a verdict */
  readonly services: readonly string[] | undefined;
  /** How long to wait for verdicts of all waves, in milliseconds. */
  readonly wait: number;
  /** The job that this is. @default it is none */
  readonly link: string | undefined;
  /** Why what has passed goes on although no window is open. @default it waits for one */
  readonly breakGlass: string | undefined;
  /** Where the images are looked for that run again in place of what has failed. @default nobody is asked */
  readonly registry: Registry | undefined;
  readonly context: CommandContext;
}

/** Has every wave prove itself, and brings what has passed to the next one, wave by wave. */
export async function verifyWaves(args: VerifyWavesArgs): Promise<Verified> {
  const { waves, services, wait } = args;
  const deadline = Date.now() + wait;
  await tellUndeclared(args);
  const verified: VerifiedService[] = [];
  const refusals: CommandError[] = [];
  if (wait > 0 && services === undefined)
    for (const wave of waves.slice(1)) verified.push(...(await decided(args, wave)));
  for (const [index, { environment, clusters }] of waves.entries()) {
    const before = waves[index - 1];
    if (before !== undefined) verified.push(...(await carryOn(args, before.environment, environment)));
    const asked = before === undefined ? services : await running(environment, services);
    // What the clusters of one wave do not answer holds up nothing that has passed there before.
    const found = await verify({
      ...args,
      environment,
      clusters,
      services: asked,
      wait: Math.max(0, deadline - Date.now()),
    });
    verified.push(...found.verified);
    if (found.refusal !== undefined) refusals.push(found.refusal);
  }
  if (refusals.length === 0) return { verified };
  return { verified, refusal: new CommandError(refusals.map(({ message }) => message).join("\n")) };
}

/** Says where the stack file and the deploy repository know other waves, as between a change of `clusters` and `pulumi up`. */
async function tellUndeclared({ waves, context }: VerifyWavesArgs): Promise<void> {
  const [first] = waves;
  if (first === undefined) return;
  const { environment } = first;
  const known = await readBranch(environment, async (snapshot) => laterWaves(snapshot, environment.directory));
  const declared = waves.slice(1).map((wave) => wave.environment.wave?.number);
  const gone = known.filter(({ number }) => !declared.includes(number)).map(({ number }) => number);
  const missing = declared.filter((number) => known.every((one) => one.number !== number));
  const { name } = environment;
  if (gone.length > 0)
    context.note(
      `${name}: no cluster of its stack file is in wave ${gone.join(" or ")}, which the deploy repository has: what ${name} runs is not promoted as long as it is not proved there; \`pulumi up\` removes that wave`,
    );
  if (missing.length > 0)
    context.note(
      `${name}: the deploy repository has no wave ${missing.join(" or ")} yet, which its stack file names (clusters), so that nothing is released to it; \`pulumi up\` makes it`,
    );
}

/**
 * What is due in a later wave by now: what is bad there is not left running for as long as an earlier wave holds something newer.
 * @returns those that have a verdict
 */
async function decided(args: VerifyWavesArgs, wave: VerifiedWave): Promise<readonly VerifiedService[]> {
  // Where a cluster does not answer, its turn comes, and says so.
  const { verified } = await verify({ ...args, ...wave, wait: 0 });
  return verified.filter(({ outcome }) => ["passed", "failed"].includes(outcome.state));
}

/** Those that a later wave has by now. */
async function running(
  environment: DeliveryEnvironment,
  services: readonly string[] | undefined,
): Promise<readonly string[] | undefined> {
  if (services === undefined) return undefined;
  const records = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
  return services.filter((service) => records.get(service)?.image !== undefined);
}

/**
 * Brings what has proved itself in one wave to the next one, by one commit.
 * @returns what would, and waits for a window
 */
async function carryOn(
  { project, rulesOf, services, breakGlass, context }: VerifyWavesArgs,
  before: DeliveryEnvironment,
  to: DeliveryEnvironment,
): Promise<readonly VerifiedService[]> {
  const told = new Set<string>();
  const choose = (earlier: Records, records: Records): readonly Release[] =>
    [...earlier].flatMap(([service, { image, sourceCommit, contractedBy, verification }]): Release[] => {
      const record = records.get(service);
      if (record === undefined || image === undefined || !["passed", undefined].includes(verification?.state))
        return [];
      const release = { service, ...image, sourceCommit, contractedBy };
      if (isSameImage(release, record.image)) return [];
      // It would be taken back again and again, where the wave before could not go back.
      const against = reasonAgainst(image.digest, record);
      if (against === undefined || services?.includes(service) === true) return [release];
      const line = `${service} stays as it is in wave ${to.wave?.number ?? 1} of ${to.name}: ${shortDigest(image.digest)} was taken away there (${against}); --service ${service} has it prove itself once more`;
      if (!told.has(line)) context.note(line);
      told.add(line);
      return [];
    });
  const closed = breakGlass === undefined ? closedBy(project.stackFile(to.name)) : undefined;
  if (closed !== undefined) {
    const waiting = await readBranch(to, async (snapshot) =>
      choose(await readRecords(snapshot, before.directory), await readRecords(snapshot, to.directory)),
    );
    const detail = `it waits until ${closed.until.toISOString()}: ${closed.reason}; --break-glass REASON has it go on now`;
    return waiting.map(({ service, digest, sourceCommit }) => ({
      service,
      digest,
      sourceCommit,
      wave: to.wave?.number,
      outcome: { state: "pending", detail },
    }));
  }
  const { released } = await commitReleases({
    ...to,
    choose: async (records, snapshot) => choose(await readRecords(snapshot, before.directory), records),
    isVerified: (service) => rulesOf(service) !== undefined,
    describe: (releases) => ({
      subject: `release(${environmentTitle(to)}): ${summarize(releases)}`,
      trailers: [
        `Wave: ${to.wave?.number ?? 1}`,
        ...sourceTrailer(releases),
        ...(breakGlass === undefined ? [] : [`Break-Glass: ${breakGlass}`]),
      ],
    }),
  });
  for (const { service, digest, previous } of released)
    context.note(
      `${environmentTitle(to)}: ${service} ${previous === undefined ? "(nothing)" : shortDigest(previous)} → ${shortDigest(digest)}`,
    );
  return [];
}

/** Where all are of one commit. */
function sourceTrailer(releases: readonly Release[]): string[] {
  const [commit, ...others] = new Set(releases.map(({ sourceCommit }) => sourceCommit));
  return commit === undefined || others.length > 0 ? [] : [`Source-Commit: ${commit}`];
}
