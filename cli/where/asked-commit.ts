import type { SourceRepository } from "../../git/source-repository.ts";
import { fetchMissing } from "../../git/missing-commits.ts";
import { CommandError } from "../command.ts";
import type { GitHub } from "../github/github.ts";
import { UsageError } from "../options.ts";

/** What a person asks for: a commit of the monorepo, or a pull request. */
export type Asked = { readonly commit: string } | { readonly pullRequest: number };

/** `#12` or `12` is a pull request; seven digits and more may be the beginning of a commit. Git knows commits by many names. */
export function askedCommit(text: string): Asked {
  const number = /^(?:#([1-9]\d{0,9})|([1-9]\d{0,5}))$/.exec(text);
  if (number !== null) return { pullRequest: Number(number[1] ?? number[2]) };
  if (/^[^-\s]\P{Cc}*$/u.test(text)) return { commit: text };
  throw new UsageError(`${JSON.stringify(text)} is neither a commit nor the number of a pull request`);
}

/** A commit on the delivered branch, and what it changes. */
export interface FoundCommit {
  readonly id: string;
  readonly pullRequest: number | null;
  /** Relative to the root of the monorepo. */
  readonly files: readonly string[];
}

/** @throws CommandError where the checkout does not know it, also after it has asked its remote */
export async function findCommit(repository: SourceRepository, directory: string, name: string): Promise<FoundCommit> {
  const id = await knownCommit(repository, directory, name);
  // A merge brings what differs from its first parent.
  const files = (await repository.changedSince([`${id}~1`], id)).get(`${id}~1`);
  // The first commit of all has no parent.
  return {
    id,
    pullRequest: null,
    files: files ?? (await repository.commits(undefined, id)).flatMap((one) => one.files),
  };
}

/** @throws CommandError where it is not merged, and so is nowhere, or it has too many files */
export async function findPullRequest(
  repository: SourceRepository,
  directory: string,
  number: number,
  github: GitHub,
): Promise<FoundCommit> {
  const { mergeCommit, merged, state } = await github.pullRequest(number);
  if (!merged || mergeCommit === undefined)
    throw new CommandError(
      `pull request ${github.repository}#${number} is ${state === "open" ? "open" : "closed without being merged"}: no environment has it`,
    );
  const id = await knownCommit(repository, directory, mergeCommit);
  const { prefix } = repository;
  const files = await github.changedFiles(number);
  if (files === undefined)
    throw new CommandError(
      `pull request ${github.repository}#${number} has more files than GitHub lists; ask for its commit, ${id.slice(0, 12)}`,
    );
  const own = files.flatMap((file) => (file.startsWith(prefix) ? [file.slice(prefix.length)] : []));
  return { id, pullRequest: number, files: own };
}

async function knownCommit(repository: SourceRepository, directory: string, name: string): Promise<string> {
  // The remote has other branches than this checkout, so that only an id means the same there.
  if (/^[0-9a-f]{7,64}$/.test(name)) await fetchMissing(repository, directory, [name]);
  const id = (await repository.resolve([name])).get(name);
  if (id !== undefined) return id;
  throw new CommandError(`${JSON.stringify(name)} is no commit that ${directory} knows; fetch it there, or correct it`);
}
