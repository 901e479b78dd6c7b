import { afterAll, beforeAll } from "vitest";
import { measureReleases } from "../../bench/gitops.ts";
import { benchUp } from "../../bench/sandbox.ts";
import { measureSigning } from "../../bench/signing.ts";
import { figuresOf, measureStack } from "../../bench/stack.ts";
import type { Sandbox } from "../../sandbox/commands/start-sandbox.ts";
import { up } from "../../sandbox/commands/up.ts";
import { smokeBenchmarks } from "../support/benchmark-smoke.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import { enterLoop, type LoopHarness } from "./support/loop-harness.ts";

const report = (): void => undefined;
let stateDir: string;
let sandbox: Sandbox;
let loop: LoopHarness;

beforeAll(async () => {
  const harness = await enterGitOps();
  ({ stateDir, sandbox } = harness);
  loop = await enterLoop(harness);
});
afterAll(() => loop.leave());

smokeBenchmarks("e2e", {
  // On the sandbox that runs: another one beside it would be in its way.
  sandbox: () => benchUp(stateDir, report),
  stack: async () => figuresOf([await measureStack(stateDir, sandbox, { services: 2, shared: true }, report)]),
  gitops: () => measureReleases(stateDir, 1, report),
  signing: async () => measureSigning(stateDir, (await up({ stateDir, pods: "auto", report })).outputs, 1, report),
});
