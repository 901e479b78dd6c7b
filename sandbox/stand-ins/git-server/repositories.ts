import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileAtomically } from "../../../core/atomic-file.ts";
import { outputOf } from "../../../core/process.ts";
import { pushesFolder } from "./pushes.ts";

/** A repository that the server is to have. */
export interface GitRepository {
  /** As the URL has it, without `.git`: `deploy`, or `team/deploy`. */
  name: string;
  /** Branches that accept pushes; `*` stands for any characters. @default all branches, and tags */
  branches?: readonly string[];
  /** @default main */
  defaultBranch?: string;
  /** Whether everybody may read it, without a token. @default false */
  public?: boolean;
  /**
   * What may be rewritten or deleted: nothing, as befits a record of what ran; or, as at GitHub, every branch but the
   * default one.
   * @default nothing
   */
  rewritable?: "nothing" | "branches";
}

const namePattern = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/;
const branchPattern = /^[A-Za-z0-9*][\w./*-]*$/;

/** Nothing of the machine's or the user's Git settings may shape the server's repositories. */
export const gitEnvironment = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
} as const;

/** Says to the update hook below which directory alone a push may change something; without it, anywhere. */
export const pushDirectoryVariable = "SANDBOX_PUSH_DIRECTORY";

/** The update hook says what may be rewritten. Clients may ask for any commit by its name, as at the big hosts. */
const configuration = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[receive]
\tfsckObjects = true
[uploadpack]
\tallowAnySHA1InWant = true
[http]
\tgetanyfile = false
`;

/** Makes a bare repository below `root`, or brings the settings and hooks of one that is there up to date. */
export async function ensureRepository(root: string, repository: GitRepository): Promise<void> {
  const { name, branches, defaultBranch = "main", rewritable = "nothing" } = repository;
  if (!isRepositoryName(name))
    throw new Error(
      `Repository ${JSON.stringify(name)}: must be a name or owner/name of letters, digits, ".", "_", "-".`,
    );
  const invalid = branches?.find((branch) => !branchPattern.test(branch));
  if (invalid !== undefined)
    throw new Error(`Repository ${name}: ${JSON.stringify(invalid)} is no branch or pattern of branches.`);
  const path = repositoryPath(root, name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (!existsSync(path)) {
    const unfinished = `${path}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    const args = ["init", "--quiet", "--bare", "--template=", `--initial-branch=${defaultBranch}`, unfinished];
    await outputOf("git", args, { env: { ...process.env, ...gitEnvironment } });
    renameSync(unfinished, path);
  }
  writeFileAtomically(join(path, "config"), configuration, 0o644);
  if (repository.public === true) writeFileSync(publicMark(path), "");
  else rmSync(publicMark(path), { force: true });
  const hooks = join(path, "hooks");
  mkdirSync(hooks, { recursive: true });
  writeFileAtomically(
    join(hooks, "update"),
    updateHook(branches, rewritable === "nothing" ? "*" : defaultBranch),
    0o755,
  );
  writeFileAtomically(join(hooks, "post-receive"), postReceiveHook(root, name), 0o755);
}

export function isRepositoryName(name: string): boolean {
  return namePattern.test(name) && !name.endsWith(".git") && !name.includes("..");
}

export function repositoryPath(root: string, name: string): string {
  return join(root, `${name}.git`);
}

/** Whether everybody may read the repository at this path. */
export function isPublic(path: string): boolean {
  return existsSync(publicMark(path));
}

/** Git's own servers know it by this file, too. */
function publicMark(path: string): string {
  return join(path, "git-daemon-export-ok");
}

/** Removes what a Git process that was killed, or a machine that lost its power, has left: it would refuse every later push. Nothing may be running. */
export function removeStaleLocks(root: string): void {
  if (!existsSync(root)) return;
  for (const file of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    if (/\.git\/((refs|logs)\/.+|[\w-]+)\.lock$/.test(file)) rmSync(join(root, file), { force: true });
  }
}

/**
 * Patterns are those of a shell: branchPattern leaves no character that is special to it but `*`.
 * @param kept the branches whose history others rely on
 */
function updateHook(branches: readonly string[] | undefined, kept: string): string {
  const accepted = branches?.map((branch) => `refs/heads/${branch}`) ?? ["refs/heads/*", "refs/tags/*"];
  return `#!/bin/sh
case "$1" in
${accepted.join("|")}) ;;
*)
  echo "$1 does not accept pushes; these do: ${accepted.join(", ")}" >&2
  exit 1 ;;
esac
case "$1" in
refs/tags/*|refs/heads/${kept})
  case "$3" in *[!0]*) ;; *)
    echo "$1 may not be deleted" >&2
    exit 1 ;;
  esac
  case "$2" in *[!0]*)
    git merge-base --is-ancestor "$2" "$3" || {
      echo "$1 may not be rewritten: non-fast-forward" >&2
      exit 1
    } ;;
  esac ;;
esac
if [ -n "$${pushDirectoryVariable}" ]; then
  others=$(git diff --name-only --no-renames "$2" "$3" -- . ":(exclude)$${pushDirectoryVariable}" 2>&1) || others=$1
  [ -z "$others" ] || {
    echo "$REMOTE_USER may only change what is in $${pushDirectoryVariable}, and not" $others >&2
    exit 1
  }
fi
exit 0
`;
}

/** Leaves a note for the server, which acts on it: no push waits for its hooks, and none is forgotten. */
function postReceiveHook(root: string, name: string): string {
  return `#!/bin/sh
note="${pushesFolder(root).replaceAll(/[$`"\\]/g, "\\$&")}/$(date +%s%N)-$$"
{ echo "${name}"; cat; } >"$note.new" && mv "$note.new" "$note.push"
exit 0
`;
}
