import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { nextVersion } from "../../sandbox/commands/demo/edit.ts";
import type { PipelineEnd } from "../../sandbox/commands/demo/pipeline-events.ts";
import { delivery } from "./support/delivery-command.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import type { GitOpsHarness } from "./support/gitops-harness.ts";
import { enterLoop, type Developer, type LoopHarness } from "./support/loop-harness.ts";

const app = "examples/delinkcious";
const main = (service: string): string => `${app}/svc/${service}_service/main.go`;
const status = "ci/circleci: delivery";

/** A commit is all that a developer does. The tests build on each other. */
describe("from commit to cluster", () => {
  let harness: GitOpsHarness;
  let loop: LoopHarness;
  let developer: Developer;

  beforeAll(async () => {
    harness = await enterGitOps();
    loop = await enterLoop(harness);
    developer = await loop.developer();
  });

  afterAll(async () => {
    developer[Symbol.dispose]();
    await loop.leave();
  });

  test("a commit that touches one service builds one image and changes one Deployment", async () => {
    const before = await loop.deployed();
    const commit = await developer.push("link: a new version", { [main("link")]: nextVersion });
    const end = await loop.pipeline(commit);
    expect([await loop.faults(end), jobsOf(end)]).toEqual([
      {},
      [
        "build-link",
        "delivery",
        "plan",
        "publish-state-sandbox",
        "release-sandbox",
        "test-link",
        "tidy-preview-environments",
      ].toSorted(),
    ]);
    await loop.settle();
    expect(changed(before, await loop.deployed())).toEqual(["link"]);
    expect(loop.record("link").sourceCommit).toBe(commit);
    expect(await loop.tags("link")).toContain(commit);
    await expect.poll(() => loop.github.statuses(commit)).toMatchObject({ [status]: "success" });
  });

  test("a commit that touches shared code builds those that use it", async () => {
    const edit = (content: string): string => `${content}\n// The pool is bounded by the server.\n`;
    const commit = await developer.push("postgres: say what bounds the pool", {
      [`${app}/pkg/postgres/postgres.go`]: edit,
    });
    const end = await loop.pipeline(commit);
    expect([await loop.faults(end), built(end)]).toEqual([{}, ["link", "social-graph", "user"]]);
    await loop.settle();
    expect(loop.record("user").sourceCommit).toBe(commit);
  });

  test("a commit that touches documents only builds nothing, and still reports a status", async () => {
    const before = await loop.deployed();
    const commit = await developer.push("Say more", {
      [`${app}/README.md`]: (content) => `${content}\nThat is all.\n`,
    });
    const end = await loop.pipeline(commit);
    expect([await loop.faults(end), jobsOf(end)]).toEqual([{}, ["delivery", "plan"]]);
    await expect.poll(() => loop.github.statuses(commit)).toMatchObject({ [status]: "success" });
    expect(await loop.deployed()).toEqual(before);
  });

  test("a failing test stops the release, and says so; once it is mended, nothing of it is lost", async () => {
    const before = loop.record("news");
    const failing = `package main\n\nimport "testing"\n\nfunc TestOfTheDay(t *testing.T) { t.Fatal("not today") }\n`;
    const broken = `${app}/svc/news_service/broken_test.go`;
    const commit = await developer.push("news: a change that is not right", {
      [main("news")]: nextVersion,
      [broken]: () => failing,
    });
    const end = await loop.pipeline(commit);
    expect(end.status).toBe("failed");
    expect(await loop.log(end, "test-news")).toContain("not today");
    expect(statusesOf(end)).toMatchObject({ "test-news": "failed", "release-sandbox": "not_run", delivery: "failed" });
    expect(await loop.log(end, "delivery")).toContain("test-news");
    await expect
      .poll(() => loop.github.statuses(commit))
      .toMatchObject({
        [status]: "failure",
        "ci/circleci: test-news": "failure",
      });
    expect(loop.record("news")).toEqual(before);

    const mended = await developer.push("news: no test of the day", {
      [broken]: () => failing.replace(`t.Fatal("not today")`, ""),
    });
    expect(await loop.faults(await loop.pipeline(mended))).toEqual({});
    expect(loop.record("news")).toMatchObject({ sourceCommit: mended });
    expect(loop.record("news").image).not.toEqual(before.image);
    await loop.settle();
  });

  test("of two quick commits the newest wins, and none is lost", async () => {
    const first = await developer.push("news, link", { [main("news")]: nextVersion, [main("link")]: nextVersion });
    const second = await developer.push("link again", { [main("link")]: nextVersion });
    const ends = await Promise.all([loop.pipeline(first), loop.pipeline(second)]);
    expect(await Promise.all(ends.map((end) => loop.faults(end)))).toEqual([{}, {}]);
    expect(loop.record("link").sourceCommit).toBe(second);
    expect([first, second]).toContain(loop.record("news").sourceCommit);
    await loop.settle();
  });

  test("what a command makes before the image is in it, the command gets no credentials, and its sources count", async () => {
    const directory = `${app}/svc/link_service`;
    const prepare = {
      command: `mkdir -p $SERVICE_DIRECTORY/made && cp README.md $SERVICE_DIRECTORY/made/about.md && env | cut -d= -f1`,
      image: "cimg/base:current",
    };
    const imagesFrom = (source: string) => ({
      "stacks/Pulumi.sandbox.yaml": (content: string) => {
        const file = parseDocument(content);
        file.setIn(["config", "delivery:images", "source"], source);
        return file.toString();
      },
    });
    await developer.regenerate({
      // An `up` that builds the images itself refuses what CI prepares.
      ...imagesFrom("registry"),
      [`${app}/.gitignore`]: (content) => `${content}made/\n`,
      [`${directory}/service.yaml`]: (content) => `${content}build: ${JSON.stringify({ prepare })}\n`,
      [`${directory}/Dockerfile`]: (content) =>
        content.replace("USER ", "COPY svc/link_service/made/about.md /about.md\nUSER "),
    });
    const commit = await developer.push("link: says what it is about", {});
    const end = await loop.pipeline(commit);
    expect([await loop.faults(end), built(end)]).toEqual([{}, ["link"]]);
    expect(jobsOf(end)).toContain("prepare-link");
    const log = await loop.log(end, "prepare-link");
    expect(log).toContain("1 files and directories");
    expect(log).toContain("\nSERVICE_DIRECTORY\n");
    expect(log).not.toMatch(/\n(DOCKERHUB_\w+|DELIVERY_\w*TOKEN|PULUMI_CONFIG_PASSPHRASE)\n/);
    expect(loop.record("link").sourceCommit).toBe(commit);
    const before = loop.record("link").image;

    const next = await developer.push("Say more", { [`${app}/README.md`]: (content) => `${content}\nAnd more.\n` });
    const after = await loop.pipeline(next);
    expect([await loop.faults(after), built(after)]).toEqual([{}, ["link"]]);
    expect(loop.record("link").image).not.toEqual(before);
    await loop.settle();

    await developer.regenerate({
      ...imagesFrom("build"),
      [`${directory}/service.yaml`]: (content) => content.replace(/^build: .*\n/m, ""),
      [`${directory}/Dockerfile`]: (content) => content.replace(/^COPY svc\/link_service\/made.*\n/m, ""),
    });
    expect(await loop.faults(await loop.pipeline(await developer.push("link: says no more", {})))).toEqual({});
    await loop.settle();
  });

  test("a rollback changes one digest, and outlasts the next commit", async () => {
    const before = await loop.deployed();
    const taken = loop.record("link");
    await delivery(harness, { name: "sandbox", app: "delinkcious" }, "rollback", "--service", "link");
    const back = loop.record("link");
    expect(back.image?.digest).not.toBe(taken.image?.digest);
    expect(back.rejected).toEqual({ digest: taken.image?.digest, sourceCommit: taken.sourceCommit });
    await loop.settle();
    expect(changed(before, await loop.deployed())).toEqual(["link"]);
    const commit = await developer.push("news: a new version", { [main("news")]: nextVersion });
    const end = await loop.pipeline(commit);
    expect([await loop.faults(end), built(end)]).toEqual([{}, ["news"]]);
    expect(loop.record("news").sourceCommit).toBe(commit);
    expect(loop.record("link")).toEqual(back);
    await loop.settle();
  });

  test("with the registry down an image is pushed again and again, then the build fails clearly and nothing is released", async () => {
    const before = loop.record("link");
    const commit = await loop.withoutRegistry(async () => {
      const pushed = await developer.push("link: into the void", { [main("link")]: nextVersion });
      const end = await loop.pipeline(pushed);
      expect(statusesOf(end)).toMatchObject({
        "build-link": "failed",
        "release-sandbox": "not_run",
        delivery: "failed",
      });
      const log = await loop.log(end, "build-link");
      expect(log).toMatch(/attempt 3 of 4 failed/);
      expect(log).toMatch(/error: .*localhost:\d+/);
      return pushed;
    });
    expect(loop.record("link")).toEqual(before);
    await expect.poll(() => loop.github.statuses(commit)).toMatchObject({ [status]: "failure" });
    const next = await developer.push("link: once more", { [main("link")]: nextVersion });
    expect(await loop.faults(await loop.pipeline(next))).toEqual({});
    expect(loop.record("link").sourceCommit).toBe(next);
    await loop.settle();
  });
});

function jobsOf({ jobs }: PipelineEnd): string[] {
  return jobs.map(({ name }) => name).toSorted();
}

function statusesOf({ jobs }: PipelineEnd): Record<string, string> {
  return Object.fromEntries(jobs.map(({ name, status: end }) => [name, end]));
}

/** The services whose images a pipeline has built. */
function built(end: PipelineEnd): string[] {
  return jobsOf(end).flatMap((name) => (name.startsWith("build-") ? [name.slice("build-".length)] : []));
}

function changed(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys({ ...before, ...after }).filter((service) => before[service] !== after[service]);
}
