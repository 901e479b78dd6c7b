import { spawn, type ChildProcess } from "node:child_process";
import { errorMessage } from "../core/error.ts";
import { gitCredentialSettings, sshSettings, withoutLogins } from "./git-credentials.ts";

interface GitProcessArgs {
  readonly input: string | Buffer | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** After these it is stopped. */
  readonly seconds: number;
}

/** A process of Git that has come to its end. */
interface EndedGit {
  /** `null`: it was stopped. */
  readonly code: number | null;
  readonly output: Buffer;
  readonly messages: Buffer;
}

/** @throws Error if it cannot be started */
async function runGit(args: readonly string[], { input, env, cwd, seconds }: GitProcessArgs): Promise<EndedGit> {
  // What Node's types leave out: it has no streams where no more files can be opened.
  const child: ChildProcess = spawn("git", args, { env, cwd, stdio: ["pipe", "pipe", "pipe"] });
  const { stdin, stdout, stderr } = child;
  const end = new Promise<number | null>((done, failed) => {
    child.on("error", failed).on("close", done);
  });
  const output: Buffer[] = [];
  const messages: Buffer[] = [];
  stdout?.on("data", (chunk: Buffer) => output.push(chunk));
  stderr?.on("data", (chunk: Buffer) => messages.push(chunk));
  // Git may exit before it has read everything; its exit status says why.
  stdin?.on("error", () => {});
  stdin?.end(input ?? "");
  const timer = setTimeout(() => {
    child.kill("SIGTERM");
    // Its helper for HTTP holds them, too, and may wait for a silent server.
    stdout?.destroy();
    stderr?.destroy();
  }, seconds * 1000);
  const code = await end.finally(() => clearTimeout(timer));
  return { code, output: Buffer.concat(output), messages: Buffer.concat(messages) };
}

/** Git gave up: what it was doing and what it wrote, without the logins of URLs. */
export class GitError extends Error {
  readonly output: string;

  constructor(command: string, output: string, options?: ErrorOptions) {
    super(`git ${command}: ${withoutLogins(output.trim())}`, options);
    this.output = withoutLogins(output);
  }
}

/** Git has not run at all. */
export class GitStartError extends GitError {
  constructor(command: string, cause: unknown) {
    const reason = errorMessage(cause);
    super(command, `git cannot be started (${reason}); ${wayOutOf(cause)}`, { cause });
  }
}

function wayOutOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EMFILE" || code === "ENFILE") return "too many files are open: raise the limit (`ulimit -n`)";
  if (code === "EAGAIN") return "too many processes are running: raise the limit (`ulimit -u`)";
  if (code === "ENOMEM") return "the machine has no memory left";
  return "install Git 2.31 or newer";
}

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
  const environment = {
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
  return (args, input) => run(args, input, environment, "/", options.timeoutSeconds ?? 120);
}

/** @param directory in a checkout, also when this process is a hook of another repository */
export function gitAt(directory: string): Git {
  return (args, input) => run(args, input, baseEnvironment(), directory, 120);
}

/** Tied to no repository. */
function baseEnvironment(): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !repositoryVariables.has(name));
  // The failures are told apart by their text.
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

async function run(
  args: readonly string[],
  input: string | Buffer | undefined,
  env: Record<string, string | undefined>,
  cwd: string,
  seconds: number,
): Promise<Buffer> {
  const [command = ""] = args;
  const { code, output, messages } = await runGit(args, { input, env, cwd, seconds }).catch((error: unknown) => {
    throw new GitStartError(command, error);
  });
  if (code === null) throw new GitError(command, `timed out: no end after ${seconds} s`);
  if (code !== 0) throw new GitError(command, `${messages.toString()}${output.toString()}`);
  return output;
}
