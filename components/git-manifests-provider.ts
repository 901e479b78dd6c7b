import type { Identity } from "../git/committer.ts";
import { commitToBranch, readBranch } from "../git/deploy-repository.ts";
import { ownerFile, readOwner, writeOwner, type DirectoryOwner } from "../git/directory-owner.ts";
import { DeployRepositoryError } from "../git/git-failure.ts";
import { describeKeys, sealTrailer, signedBranch, type SigningKeys } from "../git/signing-keys.ts";
import { hasContent, type Snapshot } from "../git/snapshot.ts";
import { claimChangeProblems } from "./deploy-repository/claim-changes.ts";
import { inputProblems } from "./deploy-repository/git-manifests-check.ts";

/** The inputs of `GitManifests` when all of them are known. */
export interface GitManifestsInputs {
  repository: string;
  branch: string;
  /** Who makes the commits; another one alone is no reason for a commit. */
  committer?: Identity;
  /** Whose signed commits count. @default commits are not signed */
  signing?: SigningKeys;
  /** The private key; it is secret. */
  signingKey?: string;
  directory: string;
  files: Record<string, string>;
  records: Record<string, string>;
  /** The first line of the commit. */
  message: string;
  /** `project/stack`, which owns the directory. */
  stack: string;
}

/** What the state holds. */
export interface GitManifestsState extends GitManifestsInputs {
  commit: string;
}

/** The life of `GitManifests`: what Pulumi's dynamic provider calls. It keeps nothing between two calls. */
export const gitManifestsProvider = { check, diff, create, read, update, delete: remove };

/** Preview comes this far and to `diff`: neither contacts the repository. */
async function check(olds: Partial<GitManifestsInputs> | undefined, news: GitManifestsInputs) {
  const impossible = claimChangeProblems(olds?.files, news.files).map((reason) => ({ property: "files", reason }));
  return { inputs: news, failures: [...inputProblems(news), ...impossible] };
}

async function diff(_id: string, olds: GitManifestsState, news: GitManifestsInputs) {
  const replaces = (["repository", "branch", "directory"] as const).filter((key) => olds[key] !== news[key]);
  // The content of a record counts only when it is created.
  const same =
    olds.stack === news.stack &&
    sameKeysSign(olds, news) &&
    sameEntries(olds.files, news.files) &&
    sameKeys(olds.records, news.records);
  // The files are at the new location before the old ones are removed.
  return { changes: replaces.length > 0 || !same, replaces, deleteBeforeReplace: false };
}

async function create(inputs: GitManifestsInputs): Promise<{ id: string; outs: GitManifestsState }> {
  return { id: locationOf(inputs), outs: await put(inputs, undefined) };
}

async function update(
  _id: string,
  olds: GitManifestsState,
  news: GitManifestsInputs,
): Promise<{ outs: GitManifestsState }> {
  return { outs: await put(news, olds) };
}

/** One commit that writes every file, creates the records that are not there, and removes what is no longer declared. */
async function put(inputs: GitManifestsInputs, olds: GitManifestsState | undefined): Promise<GitManifestsState> {
  const { commit } = await commitToBranch(signedBranch(inputs), async (snapshot) => {
    const owner = await readOwner(snapshot, inputs.directory);
    assertOwned(owner, inputs, olds);
    const created = Object.keys(inputs.records).filter((path) => !snapshot.entries.has(path));
    const declared = (path: string): boolean => path in inputs.files || path in inputs.records;
    const gone = [...Object.keys(olds?.files ?? {}), ...(owner?.records ?? [])].filter((path) => !declared(path));
    const records = new Set([...(owner?.records ?? []), ...created].filter((path) => path in inputs.records));
    const signedBy = inputs.signing === undefined ? {} : { signedBy: describeKeys(inputs.signing) };
    const note = writeOwner({ stack: inputs.stack, location: locationOf(inputs), records: [...records], ...signedBy });
    // Whoever changes the keys has seen what is there, and vouches for it.
    const seals = inputs.signing !== undefined && !sameKeysSign(olds, inputs);
    return {
      write: { ...inputs.files, ...pick(inputs.records, created), [ownerFile(inputs.directory)]: note },
      remove: gone,
      message: `${inputs.message}\n\nStack: ${inputs.stack}\n${seals ? `${sealTrailer}: ${inputs.directory}\n` : ""}`,
      seals,
    };
  });
  return { ...inputs, commit: commit ?? "" };
}

/** Two stacks on one directory would undo each other's work. */
function assertOwned(
  owner: DirectoryOwner | undefined,
  inputs: GitManifestsInputs,
  olds: GitManifestsState | undefined,
): void {
  if (owner === undefined || owner.stack === inputs.stack || owner.stack === olds?.stack) return;
  throw new DeployRepositoryError(
    `${inputs.directory} on branch ${inputs.branch} of ${inputs.repository} belongs to the stack ${owner.stack}; nothing was changed. ` +
      `Choose another branch or environment, or delete ${ownerFile(inputs.directory)} there if that stack is no more`,
  );
}

/** The files as they are in Git, so that the next preview shows what others have changed. */
async function read(id: string, state: GitManifestsState) {
  const files = await readBranch(state, async (snapshot) => {
    const paths = Object.keys(state.files).filter((path) => snapshot.entries.has(path));
    const changed = await snapshot.read(paths.filter((path) => !hasContent(snapshot, path, state.files[path] ?? "")));
    return Object.fromEntries(paths.map((path) => [path, changed.get(path) ?? state.files[path] ?? ""]));
  });
  const { commit, ...inputs } = state;
  return { id, props: { ...inputs, files, commit }, inputs: { ...inputs, files } };
}

async function remove(_id: string, state: GitManifestsState): Promise<void> {
  await commitToBranch(signedBranch(state), async (snapshot) => ({
    write: {},
    remove: await ownPaths(snapshot, state),
    message: `${state.message} removed\n\nStack: ${state.stack}\n`,
  }));
}

/** What goes when the resource goes. Another declaration of the same directory, e.g. by another URL, has taken all of it over. */
async function ownPaths(snapshot: Snapshot, state: GitManifestsState): Promise<string[]> {
  const owner = await readOwner(snapshot, state.directory);
  if (owner !== undefined && (owner.stack !== state.stack || owner.location !== locationOf(state))) return [];
  const records = (owner?.records ?? []).filter((path) => path.startsWith(`${state.directory}/`));
  return [...Object.keys(state.files), ...records, ownerFile(state.directory)];
}

function locationOf({ repository, branch, directory }: GitManifestsInputs): string {
  return `${repository}#${branch}:${directory}`;
}

/** By name and fingerprint. */
function sameKeysSign(olds: Pick<GitManifestsInputs, "signing"> | undefined, { signing }: GitManifestsInputs): boolean {
  const [before, after] = [olds?.signing, signing].map((keys) => keys && describeKeys(keys).join("\n"));
  return before === after;
}

function sameEntries(one: Record<string, string>, other: Record<string, string>): boolean {
  return sameKeys(one, other) && Object.entries(one).every(([path, content]) => other[path] === content);
}

function sameKeys(one: Record<string, string>, other: Record<string, string>): boolean {
  return Object.keys(one).length === Object.keys(other).length && Object.keys(one).every((path) => path in other);
}

function pick(record: Record<string, string>, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => keys.includes(key)));
}
