import { errorMessage, hasErrorCode } from "../core/error.ts";
import { ProcessError, runProcess } from "../core/process.ts";
import { identityVariables, type Identity } from "./committer.ts";
import { gitCredentialSettings, sshSettings, withoutLogins } from "./git-credentials.ts";
import { accessSettings, ownConfiguration, withoutGitVariables, type GitSetting } from "./user-settings.ts";

/** Runs one command of the system's Git in one Git directory, and returns what it prints. */
export type Git = (args: readonly string[], input?: string | Buffer) => Promise<Buffer>;

interface GitOptions {
  /** The repository that it speaks to: the remote `origin`. */
  repository: string;
  /** Who makes its commits. @default as the environment says, or `delivery` */
  committer?: Identity | undefined;
  /** A command that takes longer has failed. @default 120 s */
  timeoutSeconds?: number;
  /** What it has to know besides. @default nothing */
  more?: { settings: readonly GitSetting[]; environment: Readonly<Record<string, string>> } | undefined;
}

/** @param directory a bare repository; nothing around it is looked at, also not when this process is a hook of another one */
export function gitIn(directory: string, options: GitOptions): Git {
  const { repository, committer, timeoutSeconds = defaultTimeout, more } = options;
  const environment = async (): Promise<Environment> => {
    const credentials = gitCredentialSettings(repository, process.env);
    const access = await accessSettings(process.env, credentials.length > 0);
    return {
      ...ownEnvironment(access, [
        ...credentials,
        ...sshSettings(repository, process.env, access),
        ["remote.origin.url", repository],
        ...settings,
        ...(more?.settings ?? []),
      ]),
      ...more?.environment,
      GIT_DIR: directory,
      ...identityVariables(process.env, committer),
    };
  };
  return runnerOf(environment, "/", timeoutSeconds);
}

/**
 * For reading a checkout. What it prints depends on no setting of the user's, nor on one of the checkout itself.
 * @param directory in the checkout, also when this process is a hook of another repository
 */
export function gitAt(directory: string): Git {
  return runnerOf(
    async () => ownEnvironment(await accessSettings(process.env, false), settings),
    directory,
    defaultTimeout,
  );
}

/**
 * For asking a checkout's own remote: as the user has set up Git, whose URL may be one that only `insteadOf` makes whole.
 * @param directory in the checkout
 */
export function gitOfUser(directory: string): Git {
  const kept = ([name]: [string, string | undefined]): boolean => !repositoryVariables.has(name);
  const environment = Object.fromEntries(Object.entries(process.env).filter(kept));
  return runnerOf(async () => ({ ...environment, ...unattended }), directory, defaultTimeout);
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
  return "install Git 2.32 or newer";
}

/** Seconds. */
const defaultTimeout = 120;

type Environment = Readonly<Record<string, string | undefined>>;

/** Nobody is there to answer, and Git's messages must be in English: failures are recognized by them. */
const unattended = { GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" };

/** Settings go through the environment: arguments are visible to every user of the machine. */
function ownEnvironment(access: readonly GitSetting[], own: readonly GitSetting[]): Environment {
  const pairs = [...access, ...own];
  return {
    ...withoutGitVariables(process.env),
    ...unattended,
    ...ownConfiguration(access),
    ...Object.fromEntries(
      pairs.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
    GIT_CONFIG_COUNT: String(pairs.length),
  };
}

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
]);

/** These go before what a checkout's own configuration says. */
const settings: readonly GitSetting[] = [
  // A user's own hooks are meant for the user's own commits.
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.attributesFile", "/dev/null"],
  ["core.quotePath", "true"],
  ["core.commitGraph", "true"],
  ["color.ui", "false"],
  ["log.showSignature", "false"],
  ["log.follow", "false"],
  ["log.showRoot", "true"],
  ["log.mailmap", "false"],
  ["diff.ignoreSubmodules", "none"],
  ["i18n.logOutputEncoding", "UTF-8"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  // A server that sends nothing for half a minute is down.
  ["http.lowSpeedLimit", "1"],
  ["http.lowSpeedTime", "30"],
];

function runnerOf(environmentOf: () => Promise<Environment>, cwd: string, seconds: number): Git {
  const started: { environment?: Promise<Environment> } = {};
  return async (args, input) => {
    const [command = ""] = args;
    const environment = (started.environment ??= environmentOf());
    const env = await environment.catch((error: unknown) => {
      if (error instanceof ProcessError) throw new GitError("config", error.stderr, { cause: error });
      throw isStartFailure(error) ? new GitStartError(command, error) : error;
    });
    const ended = await runProcess("git", args, { input, env, cwd, timeoutSeconds: seconds }).catch(
      (error: unknown) => {
        throw new GitStartError(command, error);
      },
    );
    if (ended.timedOut || ended.code === null) throw new GitError(command, `timed out: no end after ${seconds} s`);
    if (ended.code !== 0) throw new GitError(command, `${ended.stderr.toString()}${ended.stdout.toString()}`);
    return ended.stdout;
  };
}

function isStartFailure(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
