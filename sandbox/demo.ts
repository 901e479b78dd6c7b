import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureCredentials } from "./credentials.ts";
import { gitUsers } from "./deploy-git.ts";
import { cloneSource, commitEdit, push } from "./demo/source-edit.ts";
import { openRoute } from "./demo/sandbox-route.ts";
import { describeEvent, followCommit } from "./demo/travel.ts";
import { loadTargets } from "./targets.ts";
import { up } from "./up.ts";

export interface DemoOptions {
  stateDir: string;
  /** `simulated`: no pods run, whatever the machine allows. */
  pods: "auto" | "simulated";
  report: (line: string) => void;
}

/** The service that the demo edits, and the line of it. */
const service = "link";
const file = "examples/delinkcious/svc/link_service/main.go";
const versionPattern = /"(\d+)\.(\d+)\.(\d+)"/;
const limitMilliseconds = 10 * 60_000;

/** Shows a commit travel from a developer's clone to the cluster, step by step. Starts the sandbox if need be. */
export async function demo({ stateDir, pods, report }: DemoOptions): Promise<void> {
  const outputs = await up({ stateDir, pods, report });
  const source = loadTargets(stateDir)?.sourceRepository;
  if (source === undefined)
    throw new Error("stacks/Pulumi.sandbox.yaml: delivery: the demo needs gitops; set it, and run `npm run up` again");
  const directory = mkdtempSync(join(tmpdir(), "delivery-demo-"));
  try {
    const clone = { url: source, user: gitUsers.writer, token: ensureCredentials(stateDir).gitWriteToken, directory };
    const route = openRoute(stateDir, outputs, service);
    console.log(`\nA developer edits ${service}, and pushes. Nobody does anything after that.\n`);
    await cloneSource(clone);
    const start = Date.now();
    const say = (line: string): void =>
      console.log(`${((Date.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`);
    const commit = await commitEdit(clone, file, nextVersion, `${service}: count the version up`);
    say(`Developer   commit ${commit.slice(0, 12)} changes ${file}`);
    await push(clone);
    say(`GitHub      main is at ${commit.slice(0, 12)}`);
    await followCommit(route, commit, (event) => say(describeEvent(event)), AbortSignal.timeout(limitMilliseconds));
    say("done");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `"1.0.9"` → `"1.0.10"`. */
export function nextVersion(content: string): string {
  return content.replace(versionPattern, (_, major, minor, patch) => `"${major}.${minor}.${Number(patch) + 1}"`);
}
