import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { installedVariable } from "../../../../cli/ci-config/installation.ts";
import type { Pipeline } from "../../../../cli/ci-config/pipeline.ts";
import { travis } from "../../../../cli/ci-config/travis/travis.ts";
import { samplePipeline } from "../../../support/sample-pipeline.ts";
import { TravisRunner, type JobResult } from "../../../support/travis-runner.ts";

const shop: Pipeline = {
  ...samplePipeline,
  services: [
    { name: "base", serviceContainers: [] },
    { name: "link", serviceContainers: [{ image: "acme/queue:1", env: { MODE: "it's a test" } }], bases: ["base"] },
    {
      name: "user",
      serviceContainers: [],
      testImage: "cimg/rust:1.80",
      testScript: 'echo "tested with $HOME and $(echo it)"; [ -z "$SECRET$SHOP_DEV__DELIVERY_GIT_TOKEN" ]',
      prepare: { command: "mkdir -p out && echo made >out/user.jar", directory: "svc/user", context: "." },
    },
  ],
};

/** In the place of the CLI: notes what it is called with and what it sees, and does what jobs hand over. */
const cli = `
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
const [command, ...args] = process.argv.slice(2);
const option = (name) => args[args.indexOf("--" + name) + 1];
const note = { command, args, env: Object.keys(process.env).filter((name) => /TOKEN|SECRET|__/.test(name)) };
if (command === "ci-config") writeFileSync(option("plan"), readFileSync("planned", "utf8"));
if (command === "build") {
  note.bases = existsSync(option("bases")) ? readdirSync(option("bases")).sort() : [];
  note.made = existsSync("out/user.jar");
  mkdirSync(dirname(option("output")), { recursive: true });
  writeFileSync(option("output"), JSON.stringify({ [option("service")]: "sha256:0" }));
}
if (command === "test" && existsSync("broken-" + option("service"))) process.exitCode = 1;
if (command === "release") note.digests = readdirSync(option("digests")).sort();
appendFileSync(process.env.NOTES, JSON.stringify(note) + "\\n");
`;

interface Note {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly [more: string]: unknown;
}

let directory: string;
let source: string;
let runner: TravisRunner;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "travis-source-")));
  source = join(directory, "shop");
  const installed = join(directory, "installed");
  for (const root of [source, installed]) {
    mkdirSync(join(root, "sdks"), { recursive: true });
    mkdirSync(join(root, "node_modules/.bin"), { recursive: true });
    writeFileSync(join(root, "package-lock.json"), "{}");
    writeFileSync(join(root, "node_modules/package"), "");
    writeFileSync(join(root, "sdks/sdk.txt"), "");
  }
  write("package.json", '{"type":"module"}');
  write(".gitignore", "node_modules\n");
  write("cli/delivery.js", cli);
  git("init", "--quiet", "--initial-branch=main");
  runner = new TravisRunner(source, { [installedVariable]: installed, NOTES: join(directory, "notes") });
});
afterEach(() => {
  runner[Symbol.dispose]();
  rmSync(directory, { recursive: true, force: true });
});

function write(path: string, content: string): void {
  mkdirSync(dirname(join(source, path)), { recursive: true });
  writeFileSync(join(source, path), content);
}

function git(...args: string[]): string {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
  return execFileSync("git", ["-C", source, ...identity, ...args], { encoding: "utf8" }).trim();
}

/** Commits the files for Travis, and what the job that plans says. */
function commit(pipeline: Pipeline, planned: readonly string[]): string {
  for (const { name, text } of travis.files(pipeline)) write(name, text);
  write("planned", planned.map((line) => `${line}\n`).join(""));
  git("add", "--all", "--force", "--", ".", ":!node_modules");
  git("commit", "--quiet", "--message", "m");
  return git("rev-parse", "HEAD");
}

const push = { type: "push", branch: "main", repo: "acme/shop" };
const settings = {
  SHOP_DEV__DELIVERY_GIT_TOKEN: "may-write",
  SHOP_READ__DELIVERY_GITHUB_TOKEN: "may-comment",
  SECRET: "of nobody",
};

function notes(): readonly Note[] {
  const lines = readFileSync(join(directory, "notes"), "utf8").trim().split("\n");
  return lines.map((line): Note => JSON.parse(line));
}

const noted = (command: string): Note | undefined => notes().find((note) => note.command === command);

function states(results: readonly JobResult[] | undefined): Record<string, string> {
  return Object.fromEntries((results ?? []).map(({ name, state }) => [name, state]));
}

const everything = [
  "test test-base",
  "test test-link",
  "test-in-image test-user",
  "prepare-image prepare-user",
  "build build-base",
  "build build-link",
  "build build-user",
  "release release-dev",
];

test("what is merged is tested, built and released in the stages, with what the jobs hand over", async () => {
  const results = await runner.run({ event: push, commit: commit(shop, everything), settings });
  expect(results?.filter(({ state }) => state !== "passed")).toEqual([]);
  expect(results?.find(({ name }) => name === "test-user")?.log).toContain("and it\n");
  const builds = notes().filter(({ command }) => command === "build");
  const of = (service: string): Note | undefined => builds.find(({ args }) => args.includes(service));
  // Made from base, it has its digest; the others need not wait for it.
  expect(of("link")).toMatchObject({ bases: ["base.json"], made: false });
  expect(of("user")).toMatchObject({ made: true });
  expect(noted("release")).toMatchObject({ digests: ["base.json", "link.json", "user.json"] });
  expect(noted("release")?.args).toContain(git("rev-parse", "HEAD"));
});

test("a job sees the credentials that it names, and no others of the build", async () => {
  await runner.run({ event: push, commit: commit(shop, everything), settings });
  expect(noted("ci-config")?.env).toEqual(["DELIVERY_GITHUB_TOKEN"]);
  expect(noted("release")?.env).toEqual(["DELIVERY_GIT_TOKEN"]);
  expect(noted("test")?.env).toEqual([]);
  expect(noted("build")?.env).toEqual([]);
});

test("the image of a service's container is an image, and no command of the machine that has all settings", async () => {
  const mark = join(directory, "mark");
  const [base, , user] = shop.services;
  const image = `acme/queue:1;touch ${mark}`;
  const link = { name: "link", serviceContainers: [{ image }] };
  await runner.run({
    event: push,
    commit: commit({ ...shop, services: [base, link, user].flatMap((one) => one ?? []) }, ["test test-link"]),
    settings,
  });
  expect(existsSync(mark)).toBe(false);
});

test("what has not changed is neither tested, built nor released", async () => {
  const planned = ["test test-base", "build build-base", "release release-dev"];
  const results = await runner.run({ event: push, commit: commit(shop, planned), settings });
  expect(results?.filter(({ state }) => state !== "passed")).toEqual([]);
  expect(results?.find(({ name }) => name === "build-link")?.log).toBe("Nothing has changed that build-link is for.\n");
  expect(
    notes()
      .map(({ command, args }) =>
        [command, ...(args.includes("--service") ? [args[args.indexOf("--service") + 1]] : [])].join(" "),
      )
      .toSorted(),
  ).toEqual(["build base", "ci-config", "release", "test base"]);
  expect(noted("release")).toMatchObject({ digests: ["base.json"] });
});

test("where a test fails, the jobs beside it end, and nothing is released", async () => {
  write("broken-base", "");
  const results = await runner.run({ event: push, commit: commit(shop, everything), settings });
  expect(states(results)).toMatchObject({
    "test-base": "failed",
    "test-user": "passed",
    "build-base": "passed",
    "build-link": "canceled",
    "release-dev": "canceled",
  });
  expect(noted("release")).toBeUndefined();
});

test("a pull request of a fork has none of the settings, and its branch is CircleCI's word for it", async () => {
  const event = { type: "pull_request", branch: "main", repo: "acme/shop", head_repo: "someone/shop" };
  const variables = {
    TRAVIS_PULL_REQUEST: "12",
    TRAVIS_PULL_REQUEST_SLUG: "someone/shop",
    TRAVIS_PULL_REQUEST_BRANCH: "feature",
    TRAVIS_PULL_REQUEST_SHA: "1".repeat(40),
  };
  const results = await runner.run({ event, commit: commit(shop, ["build-only build-base"]), variables });
  expect(results?.filter(({ state }) => state !== "passed")).toEqual([]);
  expect(noted("ci-config")?.args.join(" ")).toContain(`--to ${"1".repeat(40)} --branch pull/12 --drift false`);
  expect(noted("build")?.args).toContain("--no-push");
});

test("a push to another branch, and a tag, start nothing: a pull request is what is tested", async () => {
  const head = commit(shop, everything);
  expect(await runner.run({ event: { ...push, branch: "feature" }, commit: head })).toBeUndefined();
  expect(await runner.run({ event: { ...push, branch: "v1", tag: "v1" }, commit: head })).toBeUndefined();
});

describe("the runner follows the documented life of a job", () => {
  const phases = (fails?: string) => ({
    ...Object.fromEntries(
      [
        "before_install",
        "install",
        "before_script",
        "script",
        "after_success",
        "after_failure",
        "before_deploy",
        "after_deploy",
        "after_script",
      ].map((phase) => [phase, phase === fails ? "false" : "true"]),
    ),
    deploy: { provider: "script", script: fails === "deploy" ? "false" : "true" },
  });

  test.each([
    [
      undefined,
      "passed",
      "before_install install before_script script after_success before_deploy deploy after_deploy after_script",
    ],
    ["install", "errored", "before_install install"],
    ["before_script", "errored", "before_install install before_script"],
    ["script", "failed", "before_install install before_script script after_failure after_script"],
    [
      "after_success",
      "passed",
      "before_install install before_script script after_success before_deploy deploy after_deploy after_script",
    ],
    ["before_deploy", "errored", "before_install install before_script script after_success before_deploy"],
  ])("if %s fails, it has %s", async (fails, state, ran) => {
    write(".travis.yml", stringify({ jobs: { include: [{ name: "one", ...phases(fails) }] } }));
    git("add", "--all");
    git("commit", "--quiet", "--message", "m");
    const [result] = (await runner.run({ event: push, commit: git("rev-parse", "HEAD") })) ?? [];
    expect(result).toMatchObject({ state, phases: ran.split(" ") });
  });
});
