import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { StringDecoder } from "node:string_decoder";
import { hasErrorCode } from "../../../../core/error.ts";

interface Command {
  program: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  output: (text: string) => void;
  /** Ends the command. */
  signal: AbortSignal;
  /** Ends the command when it writes nothing for so long. */
  quietSeconds: number;
}

type CommandEnd = { type: "exit"; code: number } | { type: "quiet" } | { type: "aborted" };

const killGraceMilliseconds = 1_000;
/** A server that was put in the background holds the output open; what the command itself wrote is there by then. */
const drainMilliseconds = 200;

/**
 * Runs a command as a process group of its own, and ends the whole group when it may not go on. core/process.ts knows no
 * groups and no limit of silence, and waits for what a command has put in the background.
 */
export function runCommand(command: Command): Promise<CommandEnd> {
  const { program, args, cwd, env, output, signal, quietSeconds } = command;
  if (signal.aborted) return Promise.resolve({ type: "aborted" });
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    lowerPriority(child.pid);
    const ended: { as?: CommandEnd } = {};
    const end = (as: CommandEnd): void => {
      ended.as ??= as;
      endGroup(child.pid);
    };
    const quiet = setTimeout(() => end({ type: "quiet" }), quietSeconds * 1000);
    const abort = (): void => end({ type: "aborted" });
    signal.addEventListener("abort", abort);
    for (const stream of [child.stdout, child.stderr]) {
      const decoder = new StringDecoder("utf8");
      stream.on("data", (chunk: Buffer) => {
        quiet.refresh();
        output(decoder.write(chunk));
      });
    }
    child.once("error", (error) => {
      clearTimeout(quiet);
      signal.removeEventListener("abort", abort);
      if (!hasErrorCode(error, "ENOENT")) return reject(error);
      output(`${program}: not found\n`);
      resolve({ type: "exit", code: 127 });
    });
    child.once("exit", (code) => {
      clearTimeout(quiet);
      signal.removeEventListener("abort", abort);
      const finish = (): void => {
        clearTimeout(drained);
        child.stdout.destroy();
        child.stderr.destroy();
        // A process that a signal ended: the shell's way to say so.
        resolve(ended.as ?? { type: "exit", code: code ?? 137 });
      };
      const drained = setTimeout(finish, drainMilliseconds);
      child.once("close", finish);
    });
  });
}

/** A real CI has machines of its own; here jobs share one with the cluster, whose rollouts must not wait for them. */
function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch (error) {
    // It has ended already.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

/** Ends a process group, with SIGKILL if it does not end by itself. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  signalGroup(pid, "SIGTERM");
  setTimeout(() => signalGroup(pid, "SIGKILL"), killGraceMilliseconds).unref();
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch (error) {
    if (!hasErrorCode(error, "ESRCH")) throw error;
  }
}
