import { expect, test } from "vitest";
import type { TestCase, TestModule, TestSpecification, TestSuite } from "vitest/node";
import { HeartbeatReporter } from "../../support/heartbeat-reporter.ts";

const project = { name: "e2e" };
// The parts of vitest's objects that the reporter reads.
const file = (name: string): TestModule => ({ id: name, moduleId: name, project }) as TestModule;
const first = file("test/e2e/loop.test.ts");
const second = file("test/e2e/rollout.test.ts");
const caseOf = (name: string): TestCase => ({ name, module: first }) as TestCase;
const specifications = [first, second].map(({ moduleId }) => ({ moduleId, project }) as TestSpecification);

function start(durations: Readonly<Record<string, number>>): {
  reporter: HeartbeatReporter;
  clock: { now: number };
  lines: string[];
} {
  const clock = { now: 0 };
  const lines: string[] = [];
  const reporter = new HeartbeatReporter(
    (line) => lines.push(line),
    () => clock.now,
  );
  reporter.onTestRunStart(specifications, ({ moduleId }) => durations[moduleId]);
  return { reporter, clock, lines };
}

test("after ten silent seconds it says what runs, how much is done, and how long the rest took the last time", () => {
  const { reporter, clock, lines } = start({ [first.moduleId]: 100_000, [second.moduleId]: 20_000 });
  clock.now = 9_000;
  reporter.beat();
  expect(lines).toEqual([]);
  clock.now = 10_000;
  reporter.beat();
  reporter.onTestModuleStart(first);
  reporter.onTestCaseReady(caseOf("a commit reaches the cluster"));
  clock.now = 25_000;
  reporter.beat();
  reporter.beat();
  reporter.onTestModuleEnd(first);
  clock.now = 34_000;
  reporter.beat();
  reporter.onTestModuleStart(second);
  clock.now = 36_000;
  reporter.beat();
  expect(lines).toEqual([
    "… 0 of 2 files; what is left took 120 s the last time: setting up",
    "… 0 of 2 files; what is left took 120 s the last time: test/e2e/loop.test.ts, a commit reaches the cluster, for 15 s",
    "… 1 of 2 files; what is left took 20 s the last time: test/e2e/rollout.test.ts, for 2 s",
  ]);
});

test("without a last time there is no estimate", () => {
  const { reporter, clock, lines } = start({});
  clock.now = 10_000;
  reporter.beat();
  expect(lines).toEqual(["… 0 of 2 files: setting up"]);
});

test("why a test, or what it needs, has failed is said at once", () => {
  const { reporter, lines } = start({});
  const errors = [{ message: "expected 4 to be 6", diff: "- 6\n+ 4" }];
  const of = (state: string, found?: typeof errors): TestCase =>
    ({ module: first, fullName: "gitops > its replicas stay", result: () => ({ state, errors: found }) }) as TestCase;
  reporter.onTestCaseResult(of("passed"));
  expect(lines).toEqual([]);
  reporter.onTestCaseResult(of("failed", errors));
  reporter.onTestSuiteResult({
    module: first,
    fullName: "gitops",
    errors: () => [{ message: "no cluster" }],
  } as TestSuite);
  expect(lines).toEqual([
    "✗ test/e2e/loop.test.ts, gitops > its replicas stay: expected 4 to be 6\n- 6\n+ 4",
    "✗ test/e2e/loop.test.ts, gitops: no cluster",
  ]);
});
