import { existsSync } from "node:fs";
import { constants } from "node:os";
import { startProgress } from "../sandbox/commands/progress.ts";
import { stopSandbox } from "../sandbox/commands/start-sandbox.ts";
import { takeLock } from "../sandbox/machine/cache.ts";
import { sandboxDirectories } from "./support/sandbox-directories.ts";
import { runSideBySide, type NamedCommand } from "./support/side-by-side.ts";

/**
 * All tests: `npm test`. What needs no sandbox comes first; whatever of it fails, the rest is not tried. On a bare machine the tools of
 * the sandboxes are compiled meanwhile, of which the most is left to do when the tests have ended, so that it yields to them. Then the integration tests run
 * beside the end-to-end tests, each in a sandbox of their own: either waits for its cluster most of the time. They are processes of
 * their own, since vitest has one limit of workers for all projects that run at the same time, and each of these must have one worker.
 */
const stages: readonly (readonly NamedCommand[])[] = [
  [
    { name: "check", program: "npm", args: ["run", "-s", "check"] },
    vitest("quick", ["unit", "golden", "process", "browser"]),
    { name: "tools", program: "nice", args: ["-n", "19", process.execPath, "sandbox/main.ts", "tools"] },
  ],
  [vitest("integration", ["integration"]), vitest("e2e", ["e2e"])],
];

function vitest(name: string, projects: readonly string[]): NamedCommand {
  return { name, program: "vitest", args: ["run", ...projects.flatMap((project) => ["--project", project])] };
}

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(name, () => {
    process.exitCode = 128 + constants.signals[name];
    interrupted.abort(new Error(`stopped by ${name}`));
  });

for (const stage of stages) {
  const failed = await runSideBySide(stage, (line) => console.log(line), interrupted.signal);
  if (failed.length === 0) continue;
  console.error(`\nFailed: ${failed.join(", ")}`);
  process.exitCode ??= 1;
  break;
}
await stopLeftSandboxes();

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
