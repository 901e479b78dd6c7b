import { deliveredBranch } from "../../git/delivered-branch.ts";
import { openSourceRepository } from "../../git/source-repository.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import { ciRun } from "../ci-run.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { UsageError } from "../options.ts";
import type { Monorepo } from "../project/monorepo.ts";

/** What the tags of one build are made of. */
export interface TagArgs {
  /** `images.tag` of the stack file. */
  readonly stableTag: string;
  /** CI's number of the build; without it the image gets the commit's tag only. */
  readonly buildNumber: string | undefined;
  /** The commit that it is built from, in full. */
  readonly commit: string;
  /** Whether environments may pick the image up: not that of a branch or pull request. */
  readonly releasable: boolean;
  /** Whether Argo CD Image Updater watches the stable tag. */
  readonly movesStableTag: boolean;
}

/** Tags are for people, and for tools that watch the registry; deployments name the digest. */
export function imageTags({ stableTag, buildNumber, commit, releasable, movesStableTag }: TagArgs): string[] {
  if (!releasable) return [commit];
  return [
    ...(buildNumber === undefined ? [] : [`${stableTag}.${buildNumber}`]),
    commit,
    ...(movesStableTag ? [stableTag] : []),
  ];
}

interface TagFlags {
  readonly "build-number"?: string | undefined;
  readonly commit?: string | undefined;
}

/** What a build is called in the registry. */
export interface BuildNames {
  readonly tags: readonly string[];
  /** What it is built from, in full. */
  readonly commit: string;
  /** Whether it is one of the delivered branch, or by hand: no other leaves anything there that the next one begins with. */
  readonly releasable: boolean;
}

/** The tags of a build as the stack file, the command line and CI say. */
export async function namesOf(
  settings: Pick<StackSettings, "github" | "gitops">,
  { images, root }: Monorepo,
  flags: TagFlags,
  { environment }: CommandContext,
): Promise<BuildNames> {
  const { commit: sha, branch, number } = ciRun(environment);
  const buildNumber = flags["build-number"] ?? number;
  if (buildNumber !== undefined && !/^\d{1,15}$/.test(buildNumber))
    throw new UsageError(`--build-number ${JSON.stringify(buildNumber)}: must be a whole number`);
  const releasable = branch === undefined || branch === (await deliveredBranch(settings.github?.branch, root));
  const commit = await sourceCommit(flags.commit ?? sha, root);
  const tags = imageTags({
    stableTag: images.tag,
    buildNumber,
    commit,
    releasable,
    movesStableTag: settings.gitops?.release === "registry-watch",
  });
  return { tags, commit, releasable };
}

/** A full id is taken as given, since CI may have no history to look it up in. */
async function sourceCommit(given: string | undefined, root: string): Promise<string> {
  if (given !== undefined && /^[0-9a-f]{40}$/.test(given)) return given;
  const revision = given ?? "HEAD";
  const commit = (await (await openSourceRepository(root)).resolve([revision])).get(revision);
  if (commit === undefined)
    throw new CommandError(`--commit ${JSON.stringify(revision)} is no commit of the checkout; give its id in full`);
  return commit;
}
