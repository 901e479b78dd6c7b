import { fetchMissing } from "../../git/missing-commits.ts";
import type { Records, Release } from "../../git/records.ts";
import { imagesAffectedBy } from "../affected/affected-services.ts";
import type { CommandContext } from "../command.ts";
import { githubOf, githubOptions, githubSettings } from "../github/access.ts";
import { openGitHubChat } from "../github/chat.ts";
import { holdLabel } from "../github/hold.ts";
import { readMonorepo, repositoryOf } from "../project/monorepo.ts";
import type { Project } from "../project/stack-file.ts";
import { reasonOf } from "../status/reading.ts";
import type { GateOutcome } from "./gate-outcome.ts";
import type { ServiceOutcome } from "./health.ts";

interface HoldGateArgs {
  readonly project: Project;
  /** The environment that is to get the digests. */
  readonly to: string;
  readonly pending: readonly Release[];
  /** What it runs. */
  readonly seen: Records;
  /** Pull requests that a person takes off hold by this promotion. @default none */
  readonly freed?: readonly number[] | undefined;
  readonly context: CommandContext;
}

/**
 * Whether nothing that is on hold would come along: a merged pull request with the label, in a service that it concerns, unless it
 * is there already. What cannot be told does not pass.
 */
export async function holdGate(args: HoldGateArgs): Promise<GateOutcome> {
  try {
    const held = await heldChanges(args);
    const services = await Promise.all(args.pending.map((release) => outcomeOf(release, held, args)));
    const free = services.filter(({ passed }) => passed).length;
    const detail = `${free} of ${services.length} digests have nothing in them that is on hold`;
    return { gate: "hold", passed: free === services.length, detail, services };
  } catch (error) {
    return { gate: "hold", passed: false, detail: `what is on hold is not known: ${reasonOf(error)}` };
  }
}

interface HeldChange {
  readonly number: number;
  /** On the delivered branch. */
  readonly commit: string;
  readonly concerns: (service: string) => boolean;
}

async function heldChanges({ project, to, freed = [], context }: HoldGateArgs): Promise<readonly HeldChange[]> {
  const settings = githubSettings(project.stackFile(to));
  const github = githubOf(settings, context);
  const labelled = await openGitHubChat(githubOptions(settings, context)).labelled(holdLabel);
  const numbers = labelled.filter((number) => !freed.includes(number));
  if (numbers.length === 0) return [];
  const monorepo = readMonorepo(project, to);
  const { prefix } = await repositoryOf(monorepo);
  const affectedBy = await imagesAffectedBy(monorepo);
  const found: HeldChange[] = [];
  for (const number of numbers) {
    const { merged, mergeCommit } = await github.pullRequest(number);
    if (!merged || mergeCommit === undefined) continue;
    const files = await github.changedFiles(number);
    const own = files?.flatMap((file) => (file.startsWith(prefix) ? [file.slice(prefix.length)] : []));
    const services = own && affectedBy(own);
    // One with more files than GitHub lists may concern any.
    found.push({ number, commit: mergeCommit, concerns: (service) => services?.has(service) ?? true });
  }
  return found;
}

async function outcomeOf(
  { service, digest, sourceCommit }: Release,
  held: readonly HeldChange[],
  { project, to, seen }: HoldGateArgs,
): Promise<ServiceOutcome> {
  const monorepo = readMonorepo(project, to);
  const repository = await repositoryOf(monorepo);
  const own = held.filter(({ concerns }) => concerns(service));
  const running = seen.get(service)?.sourceCommit;
  const commits = own.map(({ commit }) => commit);
  await fetchMissing(
    repository,
    monorepo.root,
    [...commits, sourceCommit, running].filter((commit) => commit !== undefined),
  );
  const coming = await Promise.all(
    own.map(async ({ number, commit }) => {
      const isThere = running !== undefined && (await repository.isAncestor(commit, running)) === true;
      const isIn = sourceCommit === undefined ? undefined : await repository.isAncestor(commit, sourceCommit);
      return isThere || isIn === false ? [] : [number];
    }),
  );
  const [number] = coming.flat();
  const detail =
    number === undefined
      ? "has nothing in it that is on hold"
      : `has pull request #${number} in it, which is on hold (label ${holdLabel}), or may have it`;
  return { service, digest, passed: number === undefined, detail, healthySince: null };
}
