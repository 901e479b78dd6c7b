/**
 * Attacks on the credentials of the account that this repository's stacks declare, by somebody who may push branches, or open
 * pull requests from a fork. What they get is counted by the secrets that come out, whatever way.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { continueConfiguration } from "../../../cli/ci-config/circleci/configuration.ts";
import { pipelineOf, readDeclarations } from "../../../cli/ci-config/read-pipeline.ts";
import { Project } from "../../../cli/project/stack-file.ts";
import { CircleCiHarness, ended } from "../../support/circleci-harness.ts";
import { declaredAccount, openAccount, secretOf, type DeclaredAccount } from "../../support/declared-account.ts";

const idSchema = z.object({ id: z.string() });

let harness: CircleCiHarness;
let account: DeclaredAccount;
beforeAll(async () => {
  account = await declaredAccount();
}, 60_000);
beforeEach(async () => {
  harness = await CircleCiHarness.create();
  await openAccount(harness, account);
});
afterEach(() => harness[Symbol.asyncDispose]());

const contextNames = (): string[] => account.contexts.map(({ name }) => name);
/** What pull requests may use. */
const forPullRequests = (): string[] =>
  contextNames()
    .filter((name) => /-(previews|read)$/.test(name))
    .toSorted();

/** A configuration of somebody who wants every secret: a job for each context, which shows what it has, past all masking. */
function greedy(names: readonly string[] = contextNames()): string {
  const jobs = names.map((name, index) => `      - show: { name: show-${index}, context: ${JSON.stringify(name)} }\n`);
  return `version: 2.1
jobs:
  show:
    docker: [{ image: cimg/base:current }]
    steps:
      - run: env | rev
workflows:
  main:
    jobs:
      - show
${jobs.join("")}`;
}

/** The generated pipeline of what is merged, by edited stack files, each of whose jobs shows what it has. */
function generated(edits: Readonly<Record<string, Readonly<Record<string, unknown>>>>): string {
  const directory = mkdtempSync(join(tmpdir(), "edited-stacks-"));
  try {
    for (const stack of ["dev", "staging", "prod"]) {
      const name = `Pulumi.${stack}.yaml`;
      copyFileSync(join("stacks", name), join(directory, name));
      const { config } = z
        .object({ config: z.record(z.string(), z.unknown()) })
        .parse(parse(readFileSync(join("stacks", name), "utf8")));
      const merged = Object.entries(edits[stack] ?? {}).map(([key, value]) => {
        const known = config[`delivery:${key}`];
        return [`delivery:${key}`, typeof value === "object" ? { ...Object(known), ...value } : value];
      });
      writeFileSync(join(directory, name), stringify({ config: { ...config, ...Object.fromEntries(merged) } }));
    }
    const pipeline = pipelineOf(readDeclarations(new Project(directory), "dev"), { program: "." }, "");
    const services = pipeline.services.slice(0, 1);
    const { workflows } = continueConfiguration({ ...pipeline, services }, { trigger: "deliver" });
    // At once, also what would wait for others, or for a person.
    const asks = Object.values(workflows).flatMap(({ jobs }) =>
      jobs.flatMap((call) =>
        typeof call === "string"
          ? []
          : Object.entries(call).flatMap(([job, { name = job, context = [], type }]) =>
              type === "approval" ? [] : [{ show: { name, context } }],
            ),
      ),
    );
    const show = { docker: [{ image: "cimg/base:current" }], steps: [{ run: "env | rev" }] };
    return stringify({ version: 2.1, jobs: { show }, workflows: { deliver: { jobs: asks } } });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The contexts whose secrets are in the logs of a pipeline. */
async function leaks(pipeline: string): Promise<string[]> {
  await ended(harness, pipeline);
  const names = (await harness.jobs(pipeline)).map(({ name }) => name);
  const logs = await Promise.all(names.map((name) => harness.log(pipeline, name)));
  const shown = logs
    .map((log) =>
      log
        .split("\n")
        .map((line) => line.split("").toReversed().join(""))
        .join("\n"),
    )
    .join("\n");
  const isShown = (context?: string) => (variable: string) => shown.includes(secretOf(variable, context));
  const found = account.contexts.filter(({ name, variables }) => variables.some(isShown(name)));
  return [...found.map(({ name }) => name), ...(account.variables.some(isShown()) ? ["the project"] : [])].toSorted();
}

/** A pull request from a fork. Returns its pipelines. */
async function pullRequestOfFork(ref: string): Promise<string[]> {
  await harness.push(greedy([]), { message: "base [skip ci]" });
  using fork = harness.fork();
  const sha = fork.commit({ ".circleci/config.yml": greedy() }, "from outside", ref);
  const head = { ref, sha, repo: { full_name: "guest/shop", fork: true, clone_url: fork.url } };
  const pull = { title: "t", draft: false, merged: false, head, base: { ref: "main", sha } };
  await harness.trigger("only-open-prs");
  const event = { action: "opened", number: 12, pull_request: pull, repository: harness.repositoryOfEvent() };
  const pipelines = await harness.hook("pull_request", event);
  await Promise.all(pipelines.map((pipeline) => ended(harness, pipeline)));
  return pipelines;
}

test("what is merged gets all of them: the attacks below ask in a way that works", async () => {
  const [pipeline = ""] = await harness.push(greedy());
  expect(await leaks(pipeline)).toEqual(expect.arrayContaining(contextNames()));
  expect(forPullRequests()).toContain("delinkcious-read");
});

describe("a configuration that a branch has edited, to show every secret", () => {
  test.each(["attack", "main2", "Main", "origin/main", "refs/heads/main", "main.lock2", "pull/1", 'x"or"main'])(
    "gets what pull requests may have, on branch %s",
    async (branch) => {
      const [pipeline = ""] = await harness.push(greedy(), { branch });
      expect(await leaks(pipeline)).toEqual(forPullRequests());
    },
  );

  test("gets nothing by a context that is not declared, whatever its name is like", async () => {
    const names = contextNames().flatMap((name) => [`${name} `, name.toUpperCase(), `${name}-2`]);
    const [pipeline = ""] = await harness.push(greedy(names), { branch: "attack" });
    expect(await leaks(pipeline)).toEqual([]);
  });

  test("gets nothing more by a setup job that goes on with a configuration of its own", async () => {
    const goOn = `node -e 'fetch("${harness.circleCi.url}/pipeline/continue", {method: "POST", body: JSON.stringify({"continuation-key": process.env.CIRCLE_CONTINUATION_KEY, configuration: require("fs").readFileSync("next.yml", "utf8")})}).then((answer) => process.exit(answer.ok ? 0 : 1))'`;
    const setup = `version: 2.1\nsetup: true\njobs:\n  plan:\n    docker: [{ image: cimg/base:current }]\n    steps: [checkout, { run: ${JSON.stringify(goOn)} }]\nworkflows:\n  plan:\n    jobs: [plan]\n`;
    const [pipeline = ""] = await harness.push(setup, { branch: "attack", files: { "next.yml": greedy() } });
    await expect.poll(async () => (await harness.workflows(pipeline)).length, { timeout: 20_000 }).toBe(2);
    expect(await leaks(pipeline)).toEqual(forPullRequests());
  });

  test("gets nothing more in a pipeline of the delivered branch that somebody starts by the API", async () => {
    await harness.push(greedy([]));
    await harness.push(greedy(), { branch: "attack" });
    const body = { config: { branch: "attack" }, checkout: { branch: "main" } };
    const { id } = idSchema.parse(await harness.ask("POST", `/project/${harness.slug}/pipeline/run`, body));
    expect(await leaks(id)).toEqual(forPullRequests());
  });

  test("gets nothing more by parameters of a pipeline that somebody starts by the API", async () => {
    await harness.push(greedy([]));
    const parameters = { drift: true, trigger: "deliver", branch: "main" };
    const declared = `parameters:\n  drift: { type: boolean, default: false }\n  trigger: { type: string, default: review }\n  branch: { type: string, default: "" }\n`;
    await harness.push(greedy().replace("jobs:\n", `${declared}jobs:\n`), { branch: "attack" });
    const body = { branch: "attack", parameters };
    const { id } = idSchema.parse(await harness.ask("POST", `/project/${harness.slug}/pipeline`, body));
    expect(await leaks(id)).toEqual(forPullRequests());
  });
});

describe("a tag, which whoever may push can set", () => {
  test.each(["main", "refs/heads/main"])("gets what pull requests may have, as %s", async (tag) => {
    const config = greedy().replaceAll("name: show-", "filters: { tags: { only: /.*/ } }, name: show-");
    const [pipeline = ""] = await harness.pushTag(config, tag);
    expect(await leaks(pipeline)).toEqual(forPullRequests());
  });

  test("starts no job that does not ask for tags", async () => {
    const [pipeline = ""] = await harness.pushTag(greedy(), "main");
    await expect.poll(async () => (await harness.pipeline(pipeline)).state, { timeout: 20_000 }).toBe("created");
    expect(await harness.jobStatuses(pipeline)).toEqual({});
  });
});

describe("stack files that a pull request has edited, so that it would be delivered", () => {
  test.each<[what: string, edits: Parameters<typeof generated>[0]]>([
    ["its branch is the delivered one", { dev: { github: { branch: "attack" } } }],
    ["its first environment is production", { dev: { environment: "prod" }, prod: { environment: "old" } }],
    [
      "production follows nothing, and asks nobody",
      { prod: { promotion: { from: "dev", approval: false, healthyMinutes: 0 } } },
    ],
    [
      "its contexts hold what others have",
      { dev: { ci: { contexts: { read: { PULUMI_ACCESS_TOKEN: "pull-token" } } } } },
    ],
  ])("%s: it gets what pull requests may have", async (_, edits) => {
    const [pipeline = ""] = await harness.push(generated(edits), { branch: "attack" });
    const found = await leaks(pipeline);
    expect(forPullRequests()).toEqual(expect.arrayContaining(found));
    expect(Object.values(await harness.jobStatuses(pipeline))).toContain("unauthorized");
  });

  test("merged, it gets what is merged: the attack is one", async () => {
    const [pipeline = ""] = await harness.push(generated({}));
    const found = await leaks(pipeline);
    expect(found).toEqual(expect.arrayContaining(["delinkcious-build", "delinkcious-dev", "delinkcious-prod"]));
  });
});

describe("a fork's pull request", () => {
  test.each(["feature", "main"])("gets nothing at all, from its branch %s", async (ref) => {
    const [pipeline = "", ...others] = await pullRequestOfFork(ref);
    expect(others).toEqual([]);
    expect(await leaks(pipeline)).toEqual([]);
  });
});

describe("a job of the delivered branch, run again with SSH", () => {
  const rerun = async (pipeline: string): Promise<unknown> => {
    const [workflow] = await harness.workflows(pipeline);
    const jobs = (await harness.jobs(pipeline)).map(({ id }) => id);
    return harness.ask("POST", `/workflow/${workflow?.id}/rerun`, { jobs, enable_ssh: true });
  };

  test("is refused by the project", async () => {
    const [pipeline = ""] = await harness.push(greedy());
    await ended(harness, pipeline);
    expect(await rerun(pipeline)).toEqual({ message: "Rerunning jobs with SSH is disabled for this project." });
  });

  test("gets nothing more where somebody has allowed it", async () => {
    await harness.settings({ disable_ssh: false });
    const [pipeline = ""] = await harness.push(greedy());
    await ended(harness, pipeline);
    await rerun(pipeline);
    await ended(harness, pipeline);
    const statuses = Object.values(await harness.jobStatuses(pipeline));
    const refused = account.contexts.length - forPullRequests().length;
    expect(statuses.filter((status) => status === "unauthorized").length).toBeGreaterThanOrEqual(refused);
  });
});
