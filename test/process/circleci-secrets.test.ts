import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CircleCiWorld, ended } from "../circleci-world.ts";

let world: CircleCiWorld;
beforeEach(async () => {
  world = await CircleCiWorld.create();
});
afterEach(() => world[Symbol.asyncDispose]());

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
  await world.context("dev", { TOKEN: "secret-token", SHORT: "abc" });
  await world.ask("POST", `/project/${world.slug}/envvar`, { name: "PROJECT_TOKEN", value: "project-token" });
  const [pipeline = ""] = await world.push(config("show: { context: dev }"));
  expect(await ended(world, pipeline)).toBe("success");
  const log = await world.log(pipeline, "show");
  expect(log).toContain("token is ********, short is abc, project is ********\n********\n");
  const [job] = await world.jobs(pipeline);
  const url = new URL(`/api/v1.1/project/${world.slug}/${job?.job_number}`, world.circleCi.url);
  const steps = await (await fetch(url, { headers: { "circle-token": "right" } })).text();
  const output = /"output_url":"([^"]+\/1)"/.exec(steps)?.[1] ?? "";
  const shown = await (await fetch(output)).text();
  expect(shown).toContain("token is ********");
  expect(`${steps}${shown}`).not.toContain("secret-token");
});

test("a job whose context is restricted to another project, or is not there, is unauthorized", async () => {
  const context = await world.context("prod", { TOKEN: "secret-token" });
  const other = await world.ask("POST", `/organization/${world.organizationId}/project`, { name: "other" });
  const value = JSON.stringify(other).match(/"id":"([^"]+)"/)?.[1];
  await world.ask("POST", `/context/${context}/restrictions`, {
    restriction_type: "project",
    restriction_value: value,
  });
  const [pipeline = ""] = await world.push(config("show: { context: prod }, plain"));
  expect(await ended(world, pipeline)).toBe("unauthorized");
  expect(await world.jobStatuses(pipeline)).toEqual({ show: "unauthorized", plain: "success" });
  await vi.waitFor(() =>
    expect(world.statuses).toContainEqual(expect.objectContaining({ context: "ci/circleci: show", state: "error" })),
  );
  const [missing = ""] = await world.push(config("show: { context: nowhere }"));
  expect(await ended(world, missing)).toBe("unauthorized");
});

test("a fork's pull request runs where the project builds forks, on branch pull/N, without any secret", async () => {
  using fork = world.fork();
  await world.context("dev", { TOKEN: "secret-token" });
  await world.ask("POST", `/project/${world.slug}/envvar`, { name: "PROJECT_TOKEN", value: "project-token" });
  await world.push(config("plain"), { message: "base [skip ci]" });
  const sha = fork.commit(
    { ".circleci/config.yml": config("show: { context: dev }, plain") },
    "from outside",
    "feature",
  );
  const head = { ref: "feature", sha, repo: { full_name: "guest/shop", fork: true, clone_url: fork.url } };
  const pull = { title: "t", draft: false, merged: false, head, base: { ref: "main", sha } };
  const event = { action: "opened", number: 12, pull_request: pull, repository: world.repositoryOfEvent() };
  expect(await world.hook("pull_request", event)).toEqual([]);
  await world.settings({ build_fork_prs: true });
  await world.trigger("only-open-prs");
  const [pipeline = "", ...more] = await world.hook("pull_request", event);
  expect(more).toEqual([]);
  expect(await ended(world, pipeline)).toBe("unauthorized");
  expect(await world.jobStatuses(pipeline)).toEqual({ show: "unauthorized", plain: "success" });
  expect(await world.log(pipeline, "plain")).toContain("project is [], number 12 by guest on pull/12\n");
  await vi.waitFor(() => expect(world.statuses.at(-1)?.path).toBe(`/repos/acme/shop/statuses/${sha}`));
});

test("a webhook without GitHub's signature starts nothing", async () => {
  const body = JSON.stringify({ ref: "refs/heads/main" });
  const url = new URL("/hooks/github", world.circleCi.url);
  const answer = await fetch(url, { method: "POST", headers: { "x-github-event": "push" }, body });
  expect(answer.status).toBe(401);
});
