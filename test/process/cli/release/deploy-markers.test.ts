import { afterEach, beforeEach, expect, test } from "vitest";
import { command as release } from "../../../../cli/commands/release.ts";
import { command as rollback } from "../../../../cli/commands/rollback.ts";
import { listDeploys } from "../../../../cli/release/deploy-markers.ts";
import { temporaryDirectory } from "../../../../core/atomic-file.ts";
import { circleCiAgent } from "../../../support/circleci-agent.ts";
import { CommandHarness } from "../../../support/command-harness.ts";

const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;
const [first, second] = ["1".repeat(40), "2".repeat(40)];

let harness: CommandHarness;
let folder: ReturnType<typeof temporaryDirectory>;
beforeEach(async () => {
  harness = await CommandHarness.start();
  folder = temporaryDirectory("deploy-markers-");
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const inJob = (directory: string) => ({ environment: { PATH: `${directory}:${process.env["PATH"]}` } });

test("a release and a rollback are listed by service and version, each when it is in Git", async () => {
  const agent = circleCiAgent(folder.path);
  const listing = ["--env", "dev", "--unverified", "--deploy-markers"];
  await harness.run(
    release,
    [...listing, "--service", `link=${one}`, "--source-commit", first],
    inJob(agent.directory),
  );
  expect(agent.told()).toEqual([
    `run release plan dev-link --environment-name=dev --component-name=link --target-version=${first}`,
    "run release update dev-link --status=SUCCESS",
  ]);
  await harness.run(
    release,
    [...listing, "--service", `link=${two}`, "--service", `user=${two}`],
    inJob(agent.directory),
  );
  expect(agent.told().filter((line) => line.includes("plan"))).toEqual([
    // Nobody has said what it was built from.
    `run release plan dev-link --environment-name=dev --component-name=link --target-version=${two}`,
    `run release plan dev-user --environment-name=dev --component-name=user --target-version=${two}`,
  ]);
  await harness.run(rollback, [...listing, "--service", "link", "--to-build", first], inJob(agent.directory));
  expect(agent.told()).toEqual([
    `run release plan dev-link-rollback --environment-name=dev --component-name=link --target-version=${first} --rollback`,
    "run release update dev-link-rollback --status=SUCCESS",
  ]);
});

test("nothing is listed that was not asked for, and nothing that has not changed", async () => {
  const agent = circleCiAgent(folder.path);
  const link = ["--env", "dev", "--unverified", "--service", `link=${one}`];
  await harness.run(release, link, inJob(agent.directory));
  await harness.run(release, [...link, "--deploy-markers"], inJob(agent.directory));
  expect(agent.told()).toEqual([]);
});

test("what has failed says why", async () => {
  const agent = circleCiAgent(folder.path);
  const notes: string[] = [];
  const context = {
    ...inJob(agent.directory),
    signal: new AbortController().signal,
    note: (line: string) => void notes.push(line),
  };
  await listDeploys(
    "dev",
    [{ service: "link", digest: one, sourceCommit: second, failure: "/healthz answers 500" }],
    context,
  );
  expect(agent.told()[1]).toBe("run release update dev-link --status=FAILED --failure-reason=/healthz answers 500");
  expect(notes).toEqual([]);
});

test("what CircleCI does not list is said, and the release stays as it is", async () => {
  const agent = circleCiAgent(folder.path, "dev-link");
  const args = [
    "--env",
    "dev",
    "--unverified",
    "--deploy-markers",
    "--service",
    `link=${one}`,
    "--service",
    `user=${one}`,
  ];
  await harness.run(release, args, inJob(agent.directory));
  expect(harness.notes).toEqual(["CircleCI does not list link among its deploys: Error: not today"]);
  expect(agent.told()).toHaveLength(2);
  expect(harness.record("dev", "link")).toBe(harness.pinned("link", one));
});

test("by hand there is no CircleCI that could list it", async () => {
  await harness.run(release, ["--env", "dev", "--unverified", "--deploy-markers", "--service", `link=${one}`], {
    environment: { PATH: folder.path },
  });
  expect(harness.notes).toEqual([
    "CircleCI does not list it among its deploys: there is no command circleci, so this is no job of its",
  ]);
  expect(harness.record("dev", "link")).toBe(harness.pinned("link", one));
});
