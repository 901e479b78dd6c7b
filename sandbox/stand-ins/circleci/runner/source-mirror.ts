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
    const requested = source.revision === "" ? refOf(source) : source.revision;
    const configAt = configBranch === undefined ? requested : `refs/heads/${configBranch}`;
    const [commit, configCommit, config] = await readObjects(git, [
      `${requested}^{commit}`,
      `${configAt}^{commit}`,
      `${configAt}:${configPath}`,
    ]);
    if (commit === undefined || configCommit === undefined) {
      const missing = commit === undefined ? requested : configAt;
      throw new Error(`${source.fullName} has no commit ${missing.replace("refs/heads/", "")}`);
    }
    const message = messageOf(commit.content);
    return {
      revision: commit.id,
      configRevision: configCommit.id,
      ...message,
      config: config?.type === "blob" ? config.content.trimEnd() : undefined,
    };
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

interface GitObject {
  readonly id: string;
  readonly type: string;
  readonly content: string;
}

/** By one process for all, in their order; `undefined`: there is no such object. */
async function readObjects(git: Git, names: readonly string[]): Promise<readonly (GitObject | undefined)[]> {
  const impossible = names.find((name) => name.includes("\n"));
  if (impossible !== undefined) throw new Error(`${JSON.stringify(impossible)} is no name of Git's`);
  const output = await git(["cat-file", "--batch"], names.map((name) => `${name}\n`).join(""));
  const position = { offset: 0 };
  return names.map(() => {
    const end = output.indexOf("\n", position.offset);
    const [, id = "", type = "", size] =
      /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(output.toString("utf8", position.offset, end)) ?? [];
    position.offset = end + 1;
    if (size === undefined) return undefined;
    const content = output.toString("utf8", position.offset, position.offset + Number(size));
    position.offset += Number(size) + 1;
    return { id, type, content };
  });
}

/** Of a commit as Git keeps it: its headers, an empty line, and the message, whose first paragraph is the subject. */
function messageOf(commit: string): Pick<FoundCommit, "subject" | "body"> {
  const headersEnd = commit.indexOf("\n\n");
  const message = headersEnd < 0 ? "" : commit.slice(headersEnd).trim();
  const end = /\n\s*\n/.exec(message)?.index ?? message.length;
  return {
    subject: message.slice(0, end).replaceAll(/\s*\n\s*/g, " "),
    body: message.slice(end).trim(),
  };
}
