import { existsSync } from "node:fs";
import { constants, totalmem } from "node:os";
import { startProgress } from "../sandbox/commands/progress.ts";
import { stopSandbox } from "../sandbox/commands/start-sandbox.ts";
import { takeLock } from "../sandbox/machine/cache.ts";
import { sandboxDirectories } from "./support/sandbox-directories.ts";
import { runSideBySide, type NamedCommand } from "./support/side-by-side.ts";

/**
 * All tests: `npm test`. What needs no sandbox comes first; whatever of it fails, the rest is not tried. On a bare machine the
 * sandboxes' tools are compiled meanwhile. That takes longer than these tests, and yields to them. Then two projects at a time run
 * in a sandbox of their own: all wait for their cluster most of the time. A third one would save nothing on two processors, and a
 * cluster that waits needs a fifth of one. They are processes of their own, since vitest has one limit of
 * workers for all projects that run at the same time, and each of these must have one worker.
 */
const stages = {
  withoutSandbox: {
    commands: [
      { name: "check", program: "npm", args: ["run", "-s", "check"] },
      vitest("quick", ["unit", "golden", "process", "browser"]),
      yielding(19, { name: "tools", program: process.execPath, args: ["sandbox/main.ts", "tools"] }),
    ],
  },
  inSandboxes: {
    // The longest first. The jobs of its CI yield to everything: the others yield as much.
    commands: [
      vitest("e2e", ["e2e"]),
      yielding(10, vitest("integration", ["integration"])),
      yielding(10, vitest("shared-argo-cd", ["shared-argo-cd"])),
    ],
    atOnce: 2,
  },
} as const satisfies Readonly<Record<string, Stage>>;

interface Stage {
  readonly commands: readonly NamedCommand[];
  /** How many run at the same time. @default all of them */
  readonly atOnce?: number;
}

function vitest(name: string, projects: readonly string[]): NamedCommand {
  return { name, program: "vitest", args: ["run", ...projects.flatMap((project) => ["--project", project])] };
}

/** A command that leaves the processors to others. @param niceness up to 19 */
function yielding(niceness: number, { name, program, args }: NamedCommand): NamedCommand {
  return { name, program: "nice", args: ["-n", String(niceness), program, ...args] };
}

// Tests keep the sandboxes busy: where there is memory, the garbage of their programs in Go is collected rarely.
const roomyBytes = 16 * 2 ** 30;
if (totalmem() > roomyBytes) process.env["GOGC"] ??= "400";

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(name, () => {
    process.exitCode = 128 + constants.signals[name];
    interrupted.abort(new Error(`stopped by ${name}`));
  });

if ((await run(stages.withoutSandbox)) && !(await run(stages.inSandboxes))) await stopLeftSandboxes();

/** @returns whether all is well */
async function run({ commands, atOnce }: Stage): Promise<boolean> {
  const failed = await runSideBySide(commands, (line) => console.log(line), interrupted.signal, atOnce);
  if (failed.length === 0) return true;
  console.error(`\nFailed: ${failed.join(", ")}`);
  process.exitCode ??= 1;
  return false;
}

/** Those of tests that were killed; the others have stopped theirs. */
async function stopLeftSandboxes(): Promise<void> {
  const report = startProgress();
  for (const directory of Object.values(sandboxDirectories).filter(existsSync)) {
    using _lock = await takeLock(`${directory}.lock`, {
      onWait: (owner) => report(`waiting for process ${owner}, whose sandbox is in ${directory}`),
    });
    report(`Stopping the sandbox that is left in ${directory}`);
    await stopSandbox(directory);
  }
}
