import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { gitIn, type Git } from "../../../../git/git-command.ts";
import type { PipelineSource, PipelineTrigger } from "./records.ts";

/** What a pipeline builds, found in its repository. */
export interface FoundCommit {
  revision: string;
  /** The commit that the config is from. */
  configRevision: string;
  subject: string;
  body: string;
  /** The config; `undefined`: the commit has none. */
  config: string | undefined;
}

/** A copy of each repository that is built, from which jobs check out: a pipeline fetches what is new once. */
export class SourceMirror {
  readonly #root: string;
  /** Fetches into one copy follow one another. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(root: string) {
    this.#root = root;
  }

  pathOf({ cloneUrl }: PipelineSource): string {
    return join(this.#root, `${createHash("sha256").update(cloneUrl).digest("hex").slice(0, 16)}.git`);
  }

  /** Fetches, and reads the config at the commit. @throws GitError, or Error when there is no such commit */
  async find(
    source: PipelineSource,
    { configPath, configBranch }: Pick<PipelineTrigger, "configPath" | "configBranch">,
  ): Promise<FoundCommit> {
    const directory = this.pathOf(source);
    const git = gitIn(directory, { repository: source.cloneUrl });
    await this.#inTurn(directory, async () => {
      if (!existsSync(join(directory, "HEAD"))) await createMirror(directory, git, source.defaultBranch);
      await fetchAll(git, source);
    });
    const commitAt = (requested: string): Promise<string> =>
      gitText(git, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${requested}^{commit}`]).catch(() => {
        throw new Error(`${source.fullName} has no commit ${requested.replace("refs/heads/", "")}`);
      });
    const revision = await commitAt(source.revision === "" ? refOf(source) : source.revision);
    const configRevision = configBranch === undefined ? revision : await commitAt(`refs/heads/${configBranch}`);
    const [subject = "", body = ""] = (await gitText(git, ["log", "-1", "--format=%s%x00%b", revision])).split("\0");
    const config = await gitText(git, ["cat-file", "blob", `${configRevision}:${configPath}`]).catch(() => undefined);
    return { revision, configRevision, subject, body: body.trim(), config };
  }

  async #inTurn(directory: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(directory) ?? Promise.resolve()).catch(() => undefined).then(work);
    this.#turns.set(directory, turn);
    await turn;
  }
}

async function createMirror(directory: string, git: Git, defaultBranch: string): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  await git(["init", "--quiet", "--bare", "--template=", `--initial-branch=${defaultBranch}`]);
}

async function fetchAll(git: Git, { cloneUrl, fork, branch = "" }: PipelineSource): Promise<void> {
  const fetchFrom = (url: string, ...refs: string[]): Promise<Buffer> =>
    git(["fetch", "--quiet", "--no-write-fetch-head", "--force", "--end-of-options", checkedUrl(url), ...refs]);
  await git([
    "fetch",
    "--quiet",
    "--prune",
    "--force",
    "--no-write-fetch-head",
    "--end-of-options",
    checkedUrl(cloneUrl),
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
  ]);
  if (fork !== undefined) await fetchFrom(fork.cloneUrl, `+refs/heads/${fork.ref}:refs/${branch}/head`);
}

/** Other transports of Git may run programs. @throws Error for them */
function checkedUrl(url: string): string {
  if (/^(https?|file):\/\//.test(url)) return url;
  throw new Error(`clone_url ${JSON.stringify(url)}: must be an http, https or file URL`);
}

function refOf({ branch, tag }: PipelineSource): string {
  return tag === undefined ? `refs/heads/${branch ?? ""}` : `refs/tags/${tag}`;
}

async function gitText(git: Git, args: readonly string[]): Promise<string> {
  return (await git(args)).toString("utf8").trimEnd();
}
