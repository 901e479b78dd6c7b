import { expect, test } from "vitest";
import { parseGitHubEvent, startsPipeline } from "../../../../../../sandbox/stand-ins/circleci/runner/github-event.ts";
import { Masking } from "../../../../../../sandbox/stand-ins/circleci/runner/masking.ts";
import type { Job, JobStatus } from "../../../../../../sandbox/stand-ins/circleci/runner/records.ts";
import { jobsBefore } from "../../../../../../sandbox/stand-ins/circleci/runner/steps.ts";
import { readiness, workflowStatus } from "../../../../../../sandbox/stand-ins/circleci/runner/workflow.ts";

function masked(secrets: string[], ...pieces: string[]): string {
  const written: string[] = [];
  const masking = new Masking(secrets, (text) => written.push(text));
  for (const piece of pieces) masking.push(piece);
  masking.end();
  return written.join("");
}

test("secrets are masked wherever a piece of output ends", () => {
  expect(masked(["secret"], "a sec", "ret b", " secre")).toBe("a ******** b secre");
  expect(masked(["abcd", "abcdef"], "xabcd", "efabcdx")).toBe("x****************x");
  expect(masked(["aaab"], "aaa", "aaab")).toBe("aaa********");
  expect(masked(["abc", "true"], "abc true")).toBe("abc true");
});

const job = (name: string, status: JobStatus, ...requires: Job["requires"]): Job => ({
  id: name,
  name,
  status,
  requires,
  contexts: [],
  steps: [],
});
const success = (name: string): Job["requires"][number] => ({ job: name, endings: ["success"] });

test("a job starts once all that it requires have ended as it wants", () => {
  const jobs = [job("ok", "success"), job("bad", "timedout"), job("busy", "running"), job("skipped", "not_run")];
  expect(readiness(job("a", "blocked", success("ok")), jobs)).toBe("ready");
  expect(readiness(job("a", "blocked", success("ok"), success("busy")), jobs)).toBe("waiting");
  expect(readiness(job("a", "blocked", success("busy"), success("bad")), jobs)).toBe("never");
  expect(readiness(job("a", "blocked", { job: "bad", endings: ["failed", "success"] }), jobs)).toBe("ready");
  expect(readiness(job("a", "blocked", { job: "skipped", endings: ["not_run"] }), jobs)).toBe("ready");
});

test("a workflow is as its jobs are", () => {
  const status = (...statuses: JobStatus[]) =>
    workflowStatus({ jobs: statuses.map((one, index) => job(String(index), one)), canceled: false });
  expect(status("success", "running", "blocked")).toBe("running");
  expect(status("failed", "queued")).toBe("failing");
  expect(status("success", "on_hold", "blocked")).toBe("on_hold");
  expect(status("success", "not_run", "infrastructure_fail")).toBe("failed");
  expect(status("success", "unauthorized", "not_run")).toBe("unauthorized");
  expect(status("success", "not_run")).toBe("success");
});

test("the jobs before a job come in their order", () => {
  const jobs = [
    job("c", "success", success("b")),
    job("a", "success"),
    job("b", "success", success("a")),
    job("x", "success"),
  ];
  const last = job("d", "running", success("c"), success("a"));
  expect(jobsBefore(last, jobs).map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

const repository = {
  id: 7,
  full_name: "acme/shop",
  clone_url: "https://github.com/acme/shop.git",
  default_branch: "main",
};
const push = (ref: string, more: object = {}) =>
  parseGitHubEvent("push", { ref, before: "1", after: "2", repository, ...more });
const pull = (action: string, more: object = {}, from = "acme/shop") =>
  parseGitHubEvent("pull_request", {
    action,
    number: 3,
    repository,
    ...(action === "labeled" ? { label: { name: "run-ci" } } : {}),
    pull_request: {
      head: { ref: "fix", sha: "2", repo: { full_name: from, fork: from !== "acme/shop", clone_url: "u" } },
      base: { ref: "main" },
      ...more,
    },
  });

test.each([
  ["all-pushes", ["main", "fix", "tag", "fork-opened"]],
  ["only-tags", ["tag"]],
  ["default-branch-pushes", ["main"]],
  ["only-build-prs", ["main", "tag", "opened", "fork-opened"]],
  ["only-open-prs", ["opened", "fork-opened"]],
  ["only-merged-prs", ["merged"]],
  ["only-merged-or-closed-prs", ["merged", "closed"]],
  ["only-labeled-prs", ["labeled"]],
  ["only-branch-delete", []],
])("preset %s starts pipelines for %j", (preset, names) => {
  const events = {
    main: push("refs/heads/main"),
    fix: push("refs/heads/fix"),
    tag: push("refs/tags/v1"),
    skipped: push("refs/heads/main", { head_commit: { message: "docs [ci skip]" } }),
    deleted: push("refs/heads/fix", { deleted: true }),
    empty: push("refs/heads/fix", { created: true, commits: [] }),
    opened: pull("opened"),
    merged: pull("closed", { merged: true }),
    closed: pull("closed"),
    labeled: pull("labeled"),
    "fork-opened": pull("opened", {}, "guest/shop"),
  };
  const started = Object.entries(events).flatMap(([name, event]) =>
    event !== undefined && startsPipeline(preset, event) ? [name] : [],
  );
  expect(started).toEqual(names);
});
