import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CircleCiHarness, ended } from "../../../../../support/circleci-harness.ts";

let harness: CircleCiHarness;
beforeEach(async () => {
  harness = await CircleCiHarness.create();
});
afterEach(() => harness[Symbol.asyncDispose]());

const config = (jobs: string): string => `version: 2.1
jobs:
  show:
    docker: [{ image: cimg/base:current }]
    steps:
      - run: echo "token is $TOKEN, short is $SHORT, project is $PROJECT_TOKEN"; printf "sec"; sleep 0.1; printf "ret-token\\n"
  plain:
    docker: [{ image: cimg/base:current }]
    steps:
      - run: echo "project is [$PROJECT_TOKEN], number $CIRCLE_PR_NUMBER by $CIRCLE_PR_USERNAME on $CIRCLE_BRANCH"
workflows: { main: { jobs: [${jobs}] } }
`;

test("contexts' and the project's values are masked, also when they are written in pieces", async () => {
  await harness.context("dev", { TOKEN: "secret-token", SHORT: "abc" });
  await harness.ask("POST", `/project/${harness.slug}/envvar`, { name: "PROJECT_TOKEN", value: "project-token" });
  const [pipeline = ""] = await harness.push(config("show: { context: dev }"));
  expect(await ended(harness, pipeline)).toBe("success");
  const log = await harness.log(pipeline, "show");
  expect(log).toContain("token is ********, short is abc, project is ********\n********\n");
  const [job] = await harness.jobs(pipeline);
  const url = new URL(`/api/v1.1/project/${harness.slug}/${job?.job_number}`, harness.circleCi.url);
  const steps = await (await fetch(url, { headers: { "circle-token": "right" } })).text();
  const output = /"output_url":"([^"]+\/1)"/.exec(steps)?.[1] ?? "";
  const shown = await (await fetch(output)).text();
  expect(shown).toContain("token is ********");
  expect(`${steps}${shown}`).not.toContain("secret-token");
});

test("a job whose context is restricted to another project, or is not there, is unauthorized", async () => {
  const context = await harness.context("prod", { TOKEN: "secret-token" });
  const other = await harness.ask("POST", `/organization/${harness.organizationId}/project`, { name: "other" });
  const value = JSON.stringify(other).match(/"id":"([^"]+)"/)?.[1];
  await harness.ask("POST", `/context/${context}/restrictions`, {
    restriction_type: "project",
    restriction_value: value,
  });
  const [pipeline = ""] = await harness.push(config("show: { context: prod }, plain"));
  expect(await ended(harness, pipeline)).toBe("unauthorized");
  expect(await harness.jobStatuses(pipeline)).toEqual({ show: "unauthorized", plain: "success" });
  await vi.waitFor(() =>
    expect(harness.statuses).toContainEqual(expect.objectContaining({ context: "ci/circleci: show", state: "error" })),
  );
  const [missing = ""] = await harness.push(config("show: { context: nowhere }"));
  expect(await ended(harness, missing)).toBe("unauthorized");
});

test("a fork's pull request runs where the project builds forks, on branch pull/N, without any secret", async () => {
  using fork = harness.fork();
  await harness.context("dev", { TOKEN: "secret-token" });
  await harness.ask("POST", `/project/${harness.slug}/envvar`, { name: "PROJECT_TOKEN", value: "project-token" });
  await harness.push(config("plain"), { message: "base [skip ci]" });
  const sha = fork.commit(
    { ".circleci/config.yml": config("show: { context: dev }, plain") },
    "from outside",
    "feature",
  );
  const head = { ref: "feature", sha, repo: { full_name: "guest/shop", fork: true, clone_url: fork.url } };
  const pull = { title: "t", draft: false, merged: false, head, base: { ref: "main", sha } };
  const event = { action: "opened", number: 12, pull_request: pull, repository: harness.repositoryOfEvent() };
  expect(await harness.hook("pull_request", event)).toEqual([]);
  await harness.settings({ build_fork_prs: true });
  await harness.trigger("only-open-prs");
  const [pipeline = "", ...more] = await harness.hook("pull_request", event);
  expect(more).toEqual([]);
  expect(await ended(harness, pipeline)).toBe("unauthorized");
  expect(await harness.jobStatuses(pipeline)).toEqual({ show: "unauthorized", plain: "success" });
  expect(await harness.log(pipeline, "plain")).toContain("project is [], number 12 by guest on pull/12\n");
  await vi.waitFor(() => expect(harness.statuses.at(-1)?.path).toBe(`/repos/acme/shop/statuses/${sha}`));
});

test("a webhook without GitHub's signature starts nothing", async () => {
  const body = JSON.stringify({ ref: "refs/heads/main" });
  const url = new URL("/hooks/github", harness.circleCi.url);
  const answer = await fetch(url, { method: "POST", headers: { "x-github-event": "push" }, body });
  expect(answer.status).toBe(401);
});
