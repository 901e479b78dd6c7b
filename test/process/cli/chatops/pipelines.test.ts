import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { rerun, runAgain } from "../../../../cli/chatops/pipelines.ts";
import { Project } from "../../../../cli/project/stack-file.ts";
import { CircleCiHarness, ended } from "../../../support/circleci-harness.ts";

let circle: CircleCiHarness;
let directory: string;
let pipeline: string;
let sha: string;

const job = (name: string, script = "true"): string =>
  `  ${name}:\n    docker: [{ image: cimg/base:current }]\n    steps: [{ run: '${script}' }]\n`;
const names = ["test-link", "build-link", "test-user", "delivery"];
const config = `version: 2.1
jobs:
${names.map((name) => job(name)).join("")}workflows: { review: { jobs: [${names.join(", ")}] } }
`;

beforeAll(async () => {
  circle = await CircleCiHarness.create();
  await circle.push(config);
  [pipeline = ""] = await circle.push(config, { branch: "change", message: "a change of link" });
  sha = circle.repository.git("rev-parse", "change");
  await ended(circle, pipeline);
  directory = mkdtempSync(join(tmpdir(), "stacks-"));
  const settings = {
    schemaVersion: 2,
    app: { name: "shop", directory: "." },
    ci: { organizationId: circle.organizationId, host: circle.circleCi.url, projectSlug: circle.slug },
  };
  const keyed = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`delivery:${key}`, value]));
  writeFileSync(join(directory, "Pulumi.dev.yaml"), stringify({ config: keyed }));
});
afterAll(async () => {
  await circle[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

function request(head: { ref: string; sha: string; repository?: string }, token = "right") {
  const pullRequest = {
    number: 12,
    state: "open" as const,
    url: "https://github.com/acme/shop/pull/12",
    merged: false,
    mergeCommit: undefined,
    labels: [],
    head: { repository: "acme/shop", ...head },
    base: { ref: "main" },
  };
  const context = {
    environment: { CIRCLE_TOKEN: token },
    print: () => undefined,
    note: () => undefined,
    input: async () => "",
    signal: new AbortController().signal,
  };
  return {
    project: new Project(directory),
    environments: ["dev"],
    context,
    pullRequest,
    repository: { name: "acme/shop" },
  };
}

/** Which jobs the newest workflow has run; those that were not run again keep their number. */
async function rerunJobs(before: ReadonlyMap<string, number | undefined>): Promise<string[]> {
  const jobs = await circle.jobs(pipeline);
  return jobs.flatMap(({ name, job_number: number }) => (before.get(name) === number ? [] : [name]));
}

async function numbers(): Promise<ReadonlyMap<string, number | undefined>> {
  return new Map((await circle.jobs(pipeline)).map(({ name, job_number: number }) => [name, number]));
}

test("runs the jobs of a service again, or all of them, of the same commit", async () => {
  const before = await numbers();
  expect(await rerun(request({ ref: "change", sha }), "link")).toBe(
    `the jobs of link of pipeline #2 run again, for ${sha.slice(0, 7)}`,
  );
  await vi.waitFor(async () => expect(await circle.workflows(pipeline)).toHaveLength(2), { timeout: 30_000 });
  expect(await ended(circle, pipeline)).toBe("success");
  expect(await rerunJobs(before)).toEqual(expect.arrayContaining(["test-link", "build-link"]));
  expect(await rerun(request({ ref: "change", sha }), undefined)).toMatch(/^all jobs of pipeline #2 run again/);
  await vi.waitFor(async () => expect(await circle.workflows(pipeline)).toHaveLength(3), { timeout: 30_000 });
  expect(await ended(circle, pipeline)).toBe("success");
});

test("says why not", async () => {
  await expect(rerun(request({ ref: "change", sha }), "news")).rejects.toThrow(/pipeline #2 has no job for news/);
  await expect(rerun(request({ ref: "change", sha: "f".repeat(40) }), undefined)).rejects.toThrow(
    /no pipeline with jobs for fffffff of change/,
  );
  await expect(rerun(request({ ref: "change", sha, repository: "someone/shop" }), undefined)).rejects.toThrow(
    /no pipeline with jobs for [0-9a-f]{7} of pull\/12/,
  );
  await expect(rerun(request({ ref: "change", sha }, ""), undefined)).rejects.toThrow(/has no CIRCLE_TOKEN/);
  await expect(rerun(request({ ref: "change", sha }, "wrong"), undefined)).rejects.toThrow(/does not accept the token/);
});

test("starts a pipeline of what the branch has now", async () => {
  expect(await runAgain(request({ ref: "change", sha }))).toBe("pipeline #3 of change is started");
  await expect(runAgain(request({ ref: "change", sha, repository: "someone/shop" }))).rejects.toThrow(
    /comes from a fork, and what that has by now, nobody has vouched for/,
  );
});
