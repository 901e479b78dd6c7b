import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { CircleCiHarness, ended } from "../../../../../support/circleci-harness.ts";

const idSchema = z.object({ id: z.string() });
const restrictionsSchema = z.object({ items: z.array(idSchema) });

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
  await vi.waitFor(
    () =>
      expect(harness.statuses).toContainEqual(
        expect.objectContaining({ context: "ci/circleci: show", state: "error" }),
      ),
    { timeout: 30_000 },
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
  await vi.waitFor(() => expect(harness.statuses.at(-1)?.path).toBe(`/repos/acme/shop/statuses/${sha}`), {
    timeout: 30_000,
  });
});

test("a webhook without GitHub's signature starts nothing", async () => {
  const body = JSON.stringify({ ref: "refs/heads/main" });
  const url = new URL("/hooks/github", harness.circleCi.url);
  const answer = await fetch(url, { method: "POST", headers: { "x-github-event": "push" }, body });
  expect(answer.status).toBe(401);
});

describe("a context with an expression", () => {
  const delivered =
    'pipeline.git.branch == "main" and not job.ssh.enabled and not (pipeline.config_source starts-with "api") and not (pipeline.trigger.type starts-with "api")';
  const restrict = async (expression: string): Promise<void> => {
    const context = await harness.context("prod", { TOKEN: "secret-token" });
    const body = { restriction_type: "expression", restriction_value: expression };
    await harness.ask("POST", `/context/${context}/restrictions`, body);
  };
  const statuses = async (pipeline: string): Promise<Record<string, string>> => {
    await ended(harness, pipeline);
    return harness.jobStatuses(pipeline);
  };

  test.each<[expression: string, branch: string, show: string]>([
    [delivered, "main", "success"],
    [delivered, "feature", "unauthorized"],
    ["pipeline.git.branch.is_default == true", "main", "success"],
    ["pipeline.git.branch.is_default == true", "feature", "unauthorized"],
    // What cannot be evaluated does not hold, whichever way it is asked for.
    ["not pipeline.there.is.none", "main", "unauthorized"],
    ["not pipeline.git.tag", "main", "unauthorized"],
    ['pipeline.git.branch == "main" or pipeline.there.is.none', "main", "unauthorized"],
    ["pipeline.number starts-with 1", "main", "unauthorized"],
    ["pipeline.git.branch ==", "main", "unauthorized"],
    // Who starts a pipeline chooses its parameters.
    ['pipeline.parameters.drift != "x"', "main", "unauthorized"],
    ['pipeline.trigger_parameters.github_app.branch == "main"', "main", "unauthorized"],
  ])("%s: a job of %s is %s, others are not asked", async (expression, branch, show) => {
    await restrict(expression);
    const [pipeline = ""] = await harness.push(config("show: { context: prod }, plain"), { branch });
    expect(await statuses(pipeline)).toEqual({ show, plain: "success" });
  });

  test("is for all of them: one that holds does not make up for another", async () => {
    await restrict(delivered);
    const { items } = restrictionsSchema.parse(await harness.ask("GET", `/context?owner-id=${harness.organizationId}`));
    const body = { restriction_type: "expression", restriction_value: 'pipeline.git.branch == "other"' };
    await harness.ask("POST", `/context/${items[0]?.id}/restrictions`, body);
    const [pipeline = ""] = await harness.push(config("show: { context: prod }"));
    expect(await statuses(pipeline)).toEqual({ show: "unauthorized" });
  });

  test("is refused to a job into which one may log in, and whoever asks is told why", async () => {
    await restrict(delivered);
    const [pipeline = ""] = await harness.push(config("show: { context: prod }, plain"));
    expect(await statuses(pipeline)).toEqual({ show: "success", plain: "success" });
    const [workflow] = await harness.workflows(pipeline);
    const jobs = (await harness.jobs(pipeline)).map(({ id }) => id);
    await harness.ask("POST", `/workflow/${workflow?.id}/rerun`, { jobs, enable_ssh: true });
    expect(await statuses(pipeline)).toEqual({ show: "unauthorized", plain: "success" });
    expect(await harness.log(pipeline, "plain")).not.toContain("secret-token");
    // Without a login it is the same job of the same branch.
    await harness.ask("POST", `/workflow/${workflow?.id}/rerun`, {});
    expect(await statuses(pipeline)).toEqual({ show: "success", plain: "success" });
  });

  test("is refused to a pipeline of the delivered branch that runs another branch's config", async () => {
    await restrict(delivered);
    await harness.push(config("plain"));
    await harness.push(config("show: { context: prod }"), { branch: "evil" });
    const started = await harness.ask("POST", `/project/${harness.slug}/pipeline/run`, {
      config: { branch: "evil" },
      checkout: { branch: "main" },
    });
    expect(await statuses(idSchema.parse(started).id)).toEqual({ show: "unauthorized" });
  });
});

test("where the project disables SSH, no job is run again with it", async () => {
  await harness.settings({ disable_ssh: true });
  const [pipeline = ""] = await harness.push(config("plain"));
  await ended(harness, pipeline);
  const [workflow] = await harness.workflows(pipeline);
  const [job] = await harness.jobs(pipeline);
  const refusal = await harness.ask("POST", `/workflow/${workflow?.id}/rerun`, { jobs: [job?.id], enable_ssh: true });
  expect(refusal).toEqual({ message: "Rerunning jobs with SSH is disabled for this project." });
  expect(await harness.workflows(pipeline)).toHaveLength(1);
});
