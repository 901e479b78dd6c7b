import { stringify } from "yaml";
import { expect, test } from "vitest";
import { startingRuns } from "../../../../../cli/ci-config/tekton/runs.ts";
import { listAt, stringAt } from "../../../../../kubernetes/object.ts";
import { eventOf, pushedEvent, type RunEvent } from "../../../../../sandbox/stand-ins/pipelines-as-code/event.ts";
import { originalName, startedBy } from "../../../../../sandbox/stand-ins/pipelines-as-code/templates.ts";
import { samplePipeline } from "../../../../support/sample-pipeline.ts";

const repository = {
  html_url: "https://github.com/acme/shop",
  full_name: "acme/shop",
  clone_url: "https://github.com/acme/shop.git",
  default_branch: "main",
};
const sha = "1".repeat(40);
const push = (ref: string, message = "") => eventOf("push", { ref, after: sha, head_commit: { message }, repository });
const pull = (action: string, head = repository) =>
  eventOf("pull_request", {
    action,
    number: 7,
    pull_request: { head: { ref: "topic", sha, repo: head }, base: { ref: "main" } },
    repository,
  });
const fork = { ...repository, html_url: "https://github.com/ada/shop", full_name: "ada/shop" };

/** What the generator writes for Pipelines-as-Code. */
const files = [
  startingRuns({ ...samplePipeline, resumes: true }, "main")
    .map((run) => stringify(run))
    .join("---\n"),
];
const started = (event: RunEvent | undefined) => (event === undefined ? [] : startedBy(event, files, "pac-gitauth"));

test.each([
  ["a push to the delivered branch", push("refs/heads/main"), ["deliver-"]],
  ["a push to another branch", push("refs/heads/topic"), []],
  ["a tag", push("refs/tags/v1"), []],
  ["a commit that says so", push("refs/heads/main", "Import\n\n[skip ci]"), []],
  ["a pull request", pull("opened"), ["review-"]],
  ["a commit of a pull request", pull("synchronize"), ["review-"]],
  ["a label", pull("labeled"), []],
  ["a pull request of a fork", pull("opened", fork), ["forks-"]],
  ["who asks", pushedEvent("incoming", repository, "main", sha), ["drift-", "resume-"]],
  ["who asks for another branch", pushedEvent("incoming", repository, "topic", sha), []],
])("of what is generated, %s starts what is meant", (_what, event, names) => {
  expect(started(event).map(originalName)).toEqual(names);
});

test("placeholders become what the event says, and none is left", () => {
  const [run = {}] = started(pull("opened", fork));
  expect(JSON.stringify(run)).not.toMatch(/\{\{/);
  const steps = listAt(run, "spec", "pipelineSpec", "tasks").flatMap((task) => listAt(task, "taskSpec", "steps"));
  const variables = steps.flatMap((step) => listAt(step, "env"));
  expect(variables).toContainEqual({ name: "REPOSITORY", value: "https://github.com/acme/shop.git" });
  expect(variables).toContainEqual({ name: "DELIVERY_COMMIT", value: sha });
  expect(variables).toContainEqual({ name: "DELIVERY_BRANCH", value: "pull/7" });
  expect(stringAt(run, "spec", "taskRunTemplate", "serviceAccountName")).toBe("delivery-forks");
});
