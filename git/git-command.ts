import { errorMessage, hasErrorCode } from "../core/error.ts";
import { runProcess, type ProcessOptions } from "../core/process.ts";
import { gitCredentialSettings, sshSettings, withoutLogins } from "./git-credentials.ts";

/** Runs one command of the system's Git in one Git directory, and returns what it prints. */
export type Git = (args: readonly string[], input?: string | Buffer) => Promise<Buffer>;

interface GitOptions {
  /** The repository that it speaks to: the remote `origin`. */
  repository: string;
  /** A command that takes longer has failed. @default 120 s */
  timeoutSeconds?: number;
}

/** @param directory a bare repository; nothing around it is looked at, also not when this process is a hook of another one */
export function gitIn(directory: string, options: GitOptions): Git {
  const env = {
    ...baseEnvironment(),
    GIT_DIR: directory,
    ...author,
    ...asEnvironment([
      ...gitCredentialSettings(options.repository, process.env),
      ...sshSettings(options.repository, process.env),
      ["remote.origin.url", options.repository],
      ...settings,
    ]),
  };
  const timeoutSeconds = options.timeoutSeconds ?? defaultTimeout;
  return (args, input) => run(args, { input, env, cwd: "/", timeoutSeconds });
}

/** @param directory in a checkout, also when this process is a hook of another repository */
export function gitAt(directory: string): Git {
  return (args, input) => run(args, { input, env: baseEnvironment(), cwd: directory, timeoutSeconds: defaultTimeout });
}

/** A command of Git has failed: which one, and what it wrote, without the logins of URLs. */
export class GitError extends Error {
  readonly output: string;

  constructor(command: string, output: string, options?: ErrorOptions) {
    super(`git ${command}: ${withoutLogins(output.trim())}`, options);
    this.output = withoutLogins(output);
  }
}

/** Git could not be started. */
export class GitStartError extends GitError {
  constructor(command: string, cause: unknown) {
    const reason = errorMessage(cause);
    super(command, `git cannot be started (${reason}); ${hintFor(cause)}`, { cause });
  }
}

function hintFor(cause: unknown): string {
  if (hasErrorCode(cause, "EMFILE", "ENFILE")) return "too many files are open: raise the limit (`ulimit -n`)";
  if (hasErrorCode(cause, "EAGAIN")) return "too many processes are running: raise the limit (`ulimit -u`)";
  if (hasErrorCode(cause, "ENOMEM")) return "the machine has no memory left";
  return "install Git 2.31 or newer";
}

/** Seconds. */
const defaultTimeout = 120;

/** The environment of this process, without what ties Git to a repository. */
function baseEnvironment(): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !repositoryVariables.has(name));
  // Git's messages must be in English: failures are recognized by them.
  return { ...Object.fromEntries(inherited), GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" };
}

const author = {
  GIT_AUTHOR_NAME: "delivery",
  GIT_AUTHOR_EMAIL: "delivery@localhost",
  GIT_COMMITTER_NAME: "delivery",
  GIT_COMMITTER_EMAIL: "delivery@localhost",
};

/** What ties a Git process to a repository: a hook's environment has these. */
const repositoryVariables = new Set([
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_QUARANTINE_PATH",
  "GIT_COMMON_DIR",
  "GIT_NAMESPACE",
  "GIT_PREFIX",
  "GIT_SHALLOW_FILE",
  "GIT_AUTHOR_DATE",
  "GIT_COMMITTER_DATE",
  "GIT_TRACE",
  "GIT_TRACE_CURL",
]);

const settings: readonly (readonly [string, string])[] = [
  // A user's own hooks are meant for the user's own commits.
  ["core.hooksPath", "/dev/null"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  // A server that sends nothing for half a minute is down.
  ["http.lowSpeedLimit", "1"],
  ["http.lowSpeedTime", "30"],
];

/** Settings go through the environment: arguments are visible to every user of the machine. */
function asEnvironment(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const first = Number(process.env["GIT_CONFIG_COUNT"] ?? 0) || 0;
  const entries = pairs.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${first + index}`, key],
    [`GIT_CONFIG_VALUE_${first + index}`, value],
  ]);
  return { ...Object.fromEntries(entries), GIT_CONFIG_COUNT: String(first + pairs.length) };
}

async function run(args: readonly string[], options: GitProcessOptions): Promise<Buffer> {
  const [command = ""] = args;
  const { code, stdout, stderr } = await runProcess("git", args, options).catch((error: unknown) => {
    throw new GitStartError(command, error);
  });
  if (code === null) throw new GitError(command, `timed out: no end after ${options.timeoutSeconds} s`);
  if (code !== 0) throw new GitError(command, `${stderr.toString()}${stdout.toString()}`);
  return stdout;
}

interface GitProcessOptions extends ProcessOptions {
  readonly timeoutSeconds: number;
}
