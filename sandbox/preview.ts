import { openSandboxStack } from "./stack.ts";
import { loadTargets } from "./targets.ts";
import { buildTools } from "./tools/build.ts";

/** Shows what `up` would change. Needs nothing running: neither cluster nor registry nor BuildKit. */
export async function preview({ stateDir, report }: { stateDir: string; report: (line: string) => void }): Promise<void> {
  const { pulumi } = await buildTools(["pulumi"], report);
  const docker = { directory: process.cwd(), buildKit: () => Promise.reject(new Error("a preview builds no image")) };
  await using open = await openSandboxStack({ stateDir, pulumi, docker, targets: loadTargets(stateDir), report });
  await open.stack.preview({ onOutput: (text) => process.stdout.write(text), diff: true, color: process.stdout.isTTY ? "always" : "never", suppressProgress: !process.stdout.isTTY });
}
