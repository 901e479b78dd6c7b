import { existsSync } from "node:fs";
import { NotReachableError } from "../../core/error.ts";
import type { DeployBranch } from "../../git/deploy-branch.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { gitAt, type Git } from "../../git/git-command.ts";
import { readRecords } from "../../git/records.ts";
import { recordPath, type ReleaseRecord } from "../../git/release-record.ts";
import { describeUnsigned, unsignedPaths } from "../../git/unsigned-paths.ts";

/** What the deploy repository says of one service. */
export interface ReleaseStatus extends Pick<ReleaseRecord, "verification" | "rejected" | "waiting"> {
  readonly service: string;
  /** `null`: nothing is released yet. */
  readonly image: { readonly repository: string; readonly digest: string } | null;
  readonly releaseCommit: string | null;
  readonly releasedAt: string | null;
  readonly sourceCommit: string | null;
  /** Why its record is not signed as it should be; `null`: it is, or need not be. */
  readonly unsigned: string | null;
}

export interface DeployStatus {
  /** The newest commit of the branch; `null`: there is none. */
  readonly head: string | null;
  readonly releases: readonly ReleaseStatus[];
}

/** @throws DeployRepositoryError */
export function readReleases(branch: DeployBranch, directory: string): Promise<DeployStatus> {
  return readBranch(
    branch,
    async (snapshot, git) => {
      if (snapshot.commit === undefined) return { head: null, releases: [] };
      const { signing } = branch;
      const [records, commits, unsigned] = await Promise.all([
        readRecords(snapshot, directory),
        releaseCommits(git, snapshot.commit),
        signing === undefined ? [] : unsignedPaths(git, signing, snapshot.commit, directory),
      ]);
      const releases = [...records].map(
        ([service, { image, sourceCommit, verification, rejected, waiting }]): ReleaseStatus => {
          const commit = commits.find(({ paths }) => paths.has(recordPath(directory, service)));
          const problem = unsigned.find(({ path }) => path === recordPath(directory, service));
          return {
            service,
            image: image ?? null,
            releaseCommit: commit?.id ?? null,
            releasedAt: commit?.at ?? null,
            sourceCommit: sourceCommit ?? (image === undefined ? null : sourceOf(image.digest, commits)),
            unsigned: problem === undefined ? null : describeUnsigned(problem),
            verification,
            rejected,
            waiting,
          };
        },
      );
      return { head: snapshot.commit, releases };
    },
    "whole history",
  );
}

/** The same for whoever asks again and again: as long as the branch has not moved, its history is not fetched again. */
export function releasesReader(branch: DeployBranch, directory: string): () => Promise<DeployStatus> {
  let known: DeployStatus | undefined;
  return async () => {
    if (known !== undefined && known.head === (await readBranch(branch, async ({ commit }) => commit ?? null)))
      return known;
    known = await readReleases(branch, directory);
    return known;
  };
}

interface ReleaseCommit {
  readonly id: string;
  readonly at: string;
  readonly source: string | undefined;
  readonly digests: ReadonlySet<string>;
  readonly paths: ReadonlySet<string>;
}

/** For a record that does not say what its digest was built from: the release of it in another environment may. */
function sourceOf(digest: string, commits: readonly ReleaseCommit[]): string | null {
  return commits.find((commit) => commit.source !== undefined && commit.digests.has(digest))?.source ?? null;
}

const logFormat = [
  "%H",
  "%ct",
  "%(trailers:key=Source-Commit,valueonly,separator=%x2C)",
  "%(trailers:key=Digest,valueonly,separator=%x2C)",
  "",
].join("%x1f");

/**
 * The commits that changed which image a release record of any environment names, newest first. Those that only note another
 * source commit of the same image release nothing.
 */
async function releaseCommits(git: Git, head: string): Promise<ReleaseCommit[]> {
  const image = ["-G", "^[ -]*(digest|name): "];
  const shown = ["--first-parent", "--diff-merges=first-parent", "--name-only", ...image, `--format=%x1e${logFormat}`];
  const output = await git(["log", ...shown, head, "--", ":(glob)**/release/kustomization.yaml"]);
  return output.toString().split("\u001E").slice(1).map(parseCommit);
}

function parseCommit(text: string): ReleaseCommit {
  const [id = "", seconds = "", source = "", digests = "", files = ""] = text.split("\u001F");
  return {
    id,
    at: new Date(Number(seconds) * 1000).toISOString(),
    source: /^[0-9a-f]{7,64}$/.exec(source.trim())?.[0],
    digests: new Set(digests.split(",").map((digest) => digest.trim())),
    paths: new Set(files.trim().split("\n")),
  };
}

/** The newest commit of the monorepo, as this checkout has it. */
export interface SourceStatus {
  readonly commit: string;
  readonly branch: string;
}

/** @throws NotReachableError where there is no checkout */
export async function readSource(directory: string): Promise<SourceStatus> {
  if (!existsSync(directory)) throw new NotReachableError(`there is no ${directory} here`);
  const reader = gitAt(directory);
  const git = async (...args: string[]): Promise<string> => (await reader(args)).toString().trim();
  try {
    // Only commits that change the directory: the monorepo may be a part of a larger repository.
    const [commit, branch] = await Promise.all([
      git("log", "-1", "--format=%H", "--", "."),
      git("rev-parse", "--abbrev-ref", "HEAD"),
    ]);
    if (commit === "") throw new Error("no commit");
    return { commit, branch };
  } catch (error) {
    throw new NotReachableError(`${directory} is in no Git repository`, { cause: error });
  }
}
