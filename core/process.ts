import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** How a process is run to its end. */
export interface ProcessOptions {
  /** @default that of this process */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** @default that of this process */
  readonly cwd?: string | undefined;
  /** All that it reads from standard input. @default nothing: it finds the end at once, so that no question can hang it */
  readonly input?: string | Buffer | undefined;
  /** Seconds after which it is stopped. @default it may take as long as it likes */
  readonly timeoutSeconds?: number | undefined;
  /** Stops it. @default nothing does */
  readonly signal?: AbortSignal | undefined;
  /** Takes each line as it comes; `stdout` and `stderr` of the result hold it, too. */
  readonly onLine?: ((line: string, stream: "stdout" | "stderr") => void) | undefined;
}

/** A process that has come to its end. */
export interface EndedProcess {
  /** `null`: a signal ended it. */
  readonly code: number | null;
  /** The signal that ended it, if one did. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Whether it was stopped because its time was over. */
  readonly timedOut: boolean;
}

/** Milliseconds from SIGTERM to SIGKILL. */
const gracePeriod = 5_000;

/**
 * Runs a program to its end, however that comes about.
 * @throws Error if it cannot be started; what `signal` was aborted with, once the process has ended
 */
export async function runProcess(
  program: string,
  args: readonly string[],
  { env, cwd, input, timeoutSeconds, signal, onLine }: ProcessOptions = {},
): Promise<EndedProcess> {
  signal?.throwIfAborted();
  // A pipe only where there is something to write: Node's are sockets, at which Bash reads ~/.bashrc as if it came by rsh.
  const stdin = input === undefined ? "ignore" : "pipe";
  // What Node's types leave out: it has no streams where no more files can be opened.
  const child: ChildProcess = spawn(program, args, { env: env ?? process.env, cwd, stdio: [stdin, "pipe", "pipe"] });
  const ended = new Promise<Pick<EndedProcess, "code" | "signal">>((resolve, reject) => {
    child.on("error", reject).on("close", (code, by) => resolve({ code, signal: by }));
  });
  const state = { timedOut: false };
  const closePipes = (): void => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const stop = (): void => {
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), gracePeriod).unref();
    // It may write while it cleans up, and would die of a closed pipe. Once it has ended, only children of its own can hold
    // the pipes open, for as long as they like.
    if (child.exitCode !== null || child.signalCode !== null) closePipes();
    else child.once("exit", closePipes);
  };
  const timer =
    timeoutSeconds === undefined
      ? undefined
      : setTimeout(() => {
          state.timedOut = true;
          stop();
        }, timeoutSeconds * 1000);
  signal?.addEventListener("abort", stop, { once: true });
  const stdout = collect(child.stdout, onLine && ((line) => onLine(line, "stdout")));
  const stderr = collect(child.stderr, onLine && ((line) => onLine(line, "stderr")));
  // It may end before it has read everything; its exit status says why.
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  try {
    const end = await ended;
    signal?.throwIfAborted();
    return { ...end, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr), timedOut: state.timedOut };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** A program has failed: what it was, and the last that it wrote. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
  /** `null`: a signal ended it. */
  readonly code: number | null;
  readonly stderr: string;

  constructor(program: string, { code, stdout, stderr, timedOut }: EndedProcess) {
    const said = stderr.toString().trim() || stdout.toString().trim();
    const how = timedOut
      ? "took too long"
      : code === null
        ? "was ended by a signal"
        : `failed with exit status ${code}`;
    super(`${program} ${how}${said === "" ? "" : `: ${said.slice(-longestTail)}`}`);
    this.code = code;
    this.stderr = stderr.toString();
  }
}

/** Characters of what a failed program wrote. */
const longestTail = 4_000;

/**
 * What a program writes to standard output.
 * @throws ProcessError if it fails; Error if it cannot be started
 */
export async function outputOf(
  program: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<string> {
  const ended = await runProcess(program, args, options);
  if (ended.code !== 0) throw new ProcessError(program, ended);
  return ended.stdout.toString();
}

function collect(stream: Readable | null, onLine: ((line: string) => void) | undefined): Buffer[] {
  const chunks: Buffer[] = [];
  stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  // A stream that is destroyed above ends with an error on some systems.
  stream?.on("error", () => {});
  if (stream !== null && onLine !== undefined)
    createInterface({ input: stream, crlfDelay: Infinity }).on("line", onLine);
  return chunks;
}
