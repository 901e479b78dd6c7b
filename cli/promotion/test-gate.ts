import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { shellProcess } from "../../core/shell.ts";
import type { Release } from "../../git/records.ts";
import type { CommandContext } from "../command.ts";
import type { GateOutcome } from "./gate.ts";

export interface TestGate {
  readonly from: string;
  readonly to: string;
  /** Run in the program's directory, as CircleCI runs a step. */
  readonly test: string;
}

const shownLines = 10;

/** Runs the test command of an environment; all that it prints goes to standard error. */
export async function testGate(
  { from, to, test }: TestGate,
  releases: readonly Release[],
  { environment, note, signal }: Pick<CommandContext, "environment" | "note" | "signal">,
): Promise<GateOutcome> {
  const directory = mkdtempSync(join(tmpdir(), "delivery-promote-"));
  try {
    const digests = join(directory, "digests.json");
    writeFileSync(digests, JSON.stringify(Object.fromEntries(releases.map((one) => [one.service, one.digest]))));
    const { command, args } = shellProcess(test);
    const child = spawn(command, args, {
      env: { ...environment, DELIVERY_FROM: from, DELIVERY_TO: to, DELIVERY_DIGESTS: digests },
      stdio: ["ignore", "pipe", "pipe"],
      signal,
    });
    const lines: string[] = [];
    const outputs = [child.stdout, child.stderr].map((stream) => createInterface({ input: stream }));
    for (const output of outputs) {
      output.on("line", (line) => {
        note(line);
        lines.push(line);
      });
    }
    const ended = await new Promise<string | undefined>((done) => {
      child.on("error", (error) => done(`cannot be run (${error.message})`));
      child.on("close", (code, killed) =>
        done(code === 0 ? undefined : `ended with ${killed ?? `exit status ${code}`}`),
      );
    });
    const name = `\`${test}\``;
    if (ended === undefined) return { gate: "test", passed: true, detail: `${name} has succeeded` };
    const last = lines.slice(-shownLines).map((line) => `\n  ${line}`);
    return { gate: "test", passed: false, detail: `${name} ${ended}${last.length > 0 ? ":" : ""}${last.join("")}` };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
