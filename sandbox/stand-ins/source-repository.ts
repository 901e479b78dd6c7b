import { copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { outputOf } from "../../core/process.ts";
import { gitCredentialSettings, tokenVariable, usernameVariable } from "../../git/git-credentials.ts";
import { ensureCredentials, gitUsers } from "../machine/credentials.ts";
import type { SandboxEndpoints } from "../machine/endpoints.ts";
import { gitEnvironment } from "./git-server/repositories.ts";

const stackFile = "stacks/Pulumi.sandbox.yaml";
const excluded = new Set(["node_modules", ".git"]);

/**
 * Fills the source repository with this checkout, once: from then on only its users change it. The stack file is the one that
 * the engine works with, with the real ports and the encrypted secrets, as a user's own in Git is. The commit starts no
 * pipeline: what it holds runs already.
 * @returns the commit; `undefined`: there is one already
 */
export async function seedSourceRepository(
  stateDir: string,
  { sourceRepository }: SandboxEndpoints,
  report: (line: string) => void,
): Promise<{ commit: string } | undefined> {
  if (sourceRepository === undefined) return undefined;
  const access = { url: sourceRepository, user: gitUsers.writer, token: ensureCredentials(stateDir).gitWriteToken };
  const git = sourceGit(access, "delivery");
  if ((await git(["ls-remote", "--heads", sourceRepository, "main"])) !== "") return undefined;
  report(`Source repository: importing this checkout into ${sourceRepository}`);
  using directory = temporaryDirectory("delivery-import-");
  const tree = directory.path;
  for (const path of await checkedInFiles(process.cwd())) copyFile(join(process.cwd(), path), join(tree, path));
  await git(["init", "--quiet", "--initial-branch=main", tree]);
  await takeStackFile(stateDir, tree);
  await git(["-C", tree, "add", "--all", "--force"]);
  await git(["-C", tree, "commit", "--quiet", "--message", "Import\n\n[skip ci]"]);
  await git(["-C", tree, "push", "--quiet", sourceRepository, "main"]);
  return { commit: await git(["-C", tree, "rev-parse", "HEAD"]) };
}

/** The files that belong to the checkout, committed or not. Where there is no Git checkout, all but what is installed. */
export async function checkedInFiles(directory: string): Promise<string[]> {
  const listed = await outputOf("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: directory,
  }).then(
    (output) => output.split("\0").filter((path) => path !== ""),
    () => [],
  );
  const files = listed.length > 0 ? listed : walk(directory, "");
  // Git lists what somebody has just removed, too, and other repositories inside of this one.
  return files.filter((path) => {
    const found = lstatSync(join(directory, path), { throwIfNoEntry: false });
    return found?.isFile() === true || found?.isSymbolicLink() === true;
  });
}

function walk(directory: string, below: string): string[] {
  return readdirSync(join(directory, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    if (excluded.has(entry.name) || path.startsWith(".sandbox")) return [];
    return entry.isDirectory() ? walk(directory, path) : [path];
  });
}

/** A link stays one. Directories around it are made. */
export function copyFile(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  if (lstatSync(from).isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else copyFileSync(from, to);
}

/** Writes the stack file that the engine works with into a clone, and what CI runs by it. */
export async function takeStackFile(stateDir: string, tree: string): Promise<void> {
  copyFileSync(join(stateDir, "pulumi", "workspace", "Pulumi.sandbox.yaml"), join(tree, stackFile));
  await generateCiConfig(tree);
}

/** Runs `delivery ci-config`, as a user does in the program's directory. */
export async function generateCiConfig(tree: string): Promise<void> {
  const delivery = join(import.meta.dirname, "..", "..", "cli", "delivery.js");
  await outputOf(process.execPath, [delivery, "ci-config", "--env", "sandbox"], { cwd: tree });
}

/** The source repository, and the login of somebody who works on it. */
export interface SourceAccess {
  readonly url: string;
  readonly user: string;
  readonly token: string;
}

/**
 * Git as somebody with access to the source repository runs it.
 * The token is in the environment alone: arguments are visible to every user of the machine.
 * @param author the name and the first part of the address in commits
 */
export function sourceGit(
  { url, user, token }: SourceAccess,
  author: string,
): (args: readonly string[]) => Promise<string> {
  const login = { [usernameVariable]: user, [tokenVariable]: token };
  const settings = gitCredentialSettings(url, login);
  const address = `${author}@localhost`;
  const environment = {
    PATH: process.env["PATH"],
    ...gitEnvironment,
    ...login,
    GIT_AUTHOR_NAME: author,
    GIT_AUTHOR_EMAIL: address,
    GIT_COMMITTER_NAME: author,
    GIT_COMMITTER_EMAIL: address,
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
  return async (args) => (await outputOf("git", args, { env: environment })).trim();
}
