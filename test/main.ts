import { existsSync } from "node:fs";
import { constants } from "node:os";
import { startProgress } from "../sandbox/commands/progress.ts";
import { stopSandbox } from "../sandbox/commands/start-sandbox.ts";
import { takeLock } from "../sandbox/machine/cache.ts";
import { sandboxDirectories } from "./support/sandbox-directories.ts";
import { runSideBySide, type NamedCommand } from "./support/side-by-side.ts";

/**
 * All tests: `npm test`. What needs no sandbox comes first; whatever of it fails, the rest is not tried. On a bare machine the
 * sandboxes' tools are compiled meanwhile. That takes longer than these tests, and yields to them. Then the integration tests run
 * beside the end-to-end tests, each in a sandbox of their own: all wait for their cluster most of the time. They are processes
 * of their own, since vitest has one limit of workers for all projects that run at the same time, and each of these must have one
 * worker.
 */
const stages = {
  withoutSandbox: [
    { name: "check", program: "npm", args: ["run", "-s", "check"] },
    vitest("quick", ["unit", "golden", "process", "browser"]),
    yielding(19, { name: "tools", program: process.execPath, args: ["sandbox/main.ts", "tools"] }),
  ],
  // The end-to-end tests take longest, and the jobs of their CI yield to everything: the others yield as much.
  inSandboxes: [
    vitest("e2e", ["e2e"]),
    yielding(10, vitest("shared-argo-cd", ["shared-argo-cd"])),
    yielding(10, vitest("integration", ["integration"])),
  ],
} as const satisfies Readonly<Record<string, readonly NamedCommand[]>>;

function vitest(name: string, projects: readonly string[]): NamedCommand {
  return { name, program: "vitest", args: ["run", ...projects.flatMap((project) => ["--project", project])] };
}

/** A command that leaves the processors to others. @param niceness up to 19 */
function yielding(niceness: number, { name, program, args }: NamedCommand): NamedCommand {
  return { name, program: "nice", args: ["-n", String(niceness), program, ...args] };
}

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(name, () => {
    process.exitCode = 128 + constants.signals[name];
    interrupted.abort(new Error(`stopped by ${name}`));
  });

if ((await run(stages.withoutSandbox)) && !(await run(stages.inSandboxes))) await stopLeftSandboxes();

/** @returns whether all is well */
async function run(stage: readonly NamedCommand[]): Promise<boolean> {
  const failed = await runSideBySide(stage, (line) => console.log(line), interrupted.signal);
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
