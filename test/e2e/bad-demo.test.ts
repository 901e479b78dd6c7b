import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { badDemo } from "../../sandbox/commands/demo/bad-demo.ts";
import { openSandboxStack } from "../../sandbox/engine/sandbox-stack.ts";
import { stopProcess } from "../../sandbox/machine/process.ts";
import { endProof } from "../../sandbox/machine/proof.ts";
import { stopRollouts } from "../../sandbox/machine/rollouts/rollouts.ts";
import { parseRecord, recordPath } from "../../git/release-record.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import type { GitOpsHarness } from "./support/gitops-harness.ts";

let harness: GitOpsHarness;

beforeAll(async () => {
  harness = await enterGitOps();
  // It imports into an empty repository alone, and other tests have used this one.
  rmSync(join(harness.stateDir, "git", "delinkcious"), { recursive: true, force: true });
});

afterAll(async () => {
  const { stateDir, sandbox } = harness;
  await using open = await openSandboxStack({ ...sandbox, stateDir, report: () => undefined });
  await open.stack.destroy();
  endProof(stateDir);
  await stopRollouts(stateDir);
  for (const name of ["victoria-metrics", "blackbox-exporter"]) await stopProcess(stateDir, name);
});

test("the demo of a bad change: its canary is stopped, it is taken back in Git, and the pull request says why", async () => {
  if (!harness.podsRun) return;
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(...line.split("\n")));
  await badDemo({ stateDir: harness.stateDir, pods: "auto", report: () => undefined }).finally(() => log.mockRestore());
  const said = lines.map((line) => line.replace(/^ *\d+\.\d s {2}/, "").trimEnd());
  const expected: RegExp[] = [
    /^Argo CD +the Rollout has the new image$/,
    /^Rollouts +at 25 %, pauses with 1 new and 3 old pods$/,
    /^Metrics +good-answers: 0(\.\d+)? in place of at least 0\.9, in 1 of \d+ measurements$/,
    /^Rollouts +stopped, .*RolloutAborted/,
    /^Git +taken back sha256:\w+ → sha256:\w+: good-answers: 0(\.\d+)? in place of at least 0\.9/,
    /^Kubernetes +only pods of sha256:\w+ are left, and ready: (api-gateway-\S+(, |$)){4}/,
    /^Visitors +\d+ requests meanwhile: the new version has answered \d+ \(.* %\), [1-9]\d* of them with an error; 0 without an answer$/,
    /^\s*What was measured of api-gateway: score 0 of 100$/,
    /^\s*\| <code>good-answers<\/code> \| low, critical \| canary \| 0 of 100 \|$/,
    /^done/,
  ];
  const missing = expected.filter((pattern) => !said.some((line) => pattern.test(line)));
  expect({ missing: missing.map(String), said }).toMatchObject({ missing: [] });
  const path = recordPath("sandbox", "api-gateway");
  const record = parseRecord(path, harness.repository.files()[path] ?? "");
  expect(record).toMatchObject({
    rejected: { reason: expect.stringMatching(/^good-answers: /), judgment: { verdict: "fail", score: 0 } },
  });
});
