import { execFile, execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { configurationProblems } from "../../../../circleci/references.ts";
import type { CircleConfig, Step } from "../../../../circleci/schema.ts";
import { aggregateJob } from "../../../../cli/ci-config/circleci/jobs.ts";
import { prepareCommand } from "../../../../cli/ci-config/circleci/steps.ts";
import { programLayout } from "../../../../cli/ci-config/program-layout.ts";
import { commentMarker } from "../../../../cli/github/sticky-comment.ts";
import { recordPath, recordWith } from "../../../../git/release-record.ts";
import { serveGit, type GitHttp } from "../../../../sandbox/stand-ins/git-server/server.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { ContinuePipelineStandIn } from "../../../support/continue-pipeline-stand-in.ts";

const program = resolve(".");
const key = "continuation-key-of-this-pipeline";
const reader = { name: "ci", token: "token-of-the-deploy-repository", access: "read" } as const;

let source: string;
let circle: ContinuePipelineStandIn;
let deploy: BareRepository;
let gitServer: GitHttp;

beforeEach(async () => {
  source = realpathSync(mkdtempSync(join(tmpdir(), "ci-config-")));
  circle = await ContinuePipelineStandIn.start();
  deploy = new BareRepository();
  gitServer = await serveGit({ port: 0, root: deploy.directory, users: [reader], log: () => undefined });
  git("init", "--quiet", "--initial-branch=main");
  write("stacks/Pulumi.dev.yaml", stringify({ config: settings() }));
  write(
    "stacks/Pulumi.prod.yaml",
    stringify({
      config: settings({ promotion: { from: "dev", approval: true }, gitops: { repository: deployUrl() } }),
    }),
  );
  for (const service of ["link", "user"]) write(`svc/${service}_service/Dockerfile`, "FROM scratch\nEXPOSE 7070\n");
});
afterEach(async () => {
  await circle[Symbol.asyncDispose]();
  await gitServer[Symbol.asyncDispose]();
  deploy[Symbol.dispose]();
  rmSync(source, { recursive: true, force: true });
});

function settings(more: Record<string, unknown> = {}): Record<string, unknown> {
  const plain = {
    schemaVersion: 2,
    app: { name: "shop", directory: "." },
    images: { organization: "acme", username: "ci", source: "registry" },
    ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10", host: `${circle.url}/api/v2` },
    github: { repository: "acme/shop", api: circle.url },
    gitops: { repository: deployUrl(), previews: {} },
    owns: { ciProject: true },
    ...more,
  };
  return Object.fromEntries(Object.entries(plain).map(([name, value]) => [`delivery:${name}`, value]));
}

const rollout = { strategy: "canary", steps: [{ weight: 50, pause: "5m" }] };
const publicKey = String(
  generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" }),
);

/** Those of a stack whose pipeline Travis CI runs. */
function travisSettings(more: Record<string, unknown> = {}): Record<string, unknown> {
  const github = { repository: "acme/shop", api: circle.url, branch: "main" };
  return JSON.parse(JSON.stringify(settings({ ci: { engine: "travis" }, github, ...more })));
}

/** One engine runs the pipeline of all environments. @param more of the first one's settings */
function writeTravisStacks(more: Record<string, unknown> = {}): void {
  write("stacks/Pulumi.dev.yaml", stringify({ config: travisSettings(more) }));
  const promotion = { from: "dev", approval: true };
  const later = travisSettings({ promotion, gitops: { repository: deployUrl() } });
  write("stacks/Pulumi.prod.yaml", stringify({ config: later }));
}

function deployUrl(): string {
  return `${gitServer.url}/deploy.git`;
}

function write(path: string, content: string): void {
  mkdirSync(dirname(join(source, path)), { recursive: true });
  writeFileSync(join(source, path), content);
}

const identity = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@b" };

function git(...args: string[]): string {
  const env = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", ...identity };
  return execFileSync("git", ["-C", source, ...args], { encoding: "utf8", env }).trim();
}

/** Commits everything, and returns the commit. */
function commit(message: string): string {
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", "--message", message);
  return git("rev-parse", "HEAD");
}

/** Pull request 12 of branch `feature`, as GitHub has it. */
function pullRequest(...labels: string[]) {
  const side = { repo: { full_name: "acme/shop" }, sha: "1".repeat(40) };
  return {
    number: 12,
    title: "t",
    html_url: "https://github.example/acme/shop/pull/12",
    state: "open",
    user: { login: "someone" },
    labels: labels.map((name) => ({ name })),
    head: { ...side, ref: "feature" },
    base: { ...side, ref: "main" },
  };
}

interface Outcome {
  readonly status: number | string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** `delivery ci-config` as a job of CircleCI calls it. */
function ciConfig(args: readonly string[], environment: Record<string, string | undefined> = {}): Promise<Outcome> {
  const env = {
    PATH: process.env["PATH"],
    CIRCLE_CONTINUATION_KEY: key,
    DELIVERY_GIT_USERNAME: reader.name,
    DELIVERY_GIT_TOKEN: reader.token,
    DELIVERY_GITHUB_TOKEN: "token-of-the-comments",
    ...environment,
  };
  const options = { cwd: source, env, encoding: "utf8" } as const;
  return new Promise((done) => {
    const command = [join(program, "cli/delivery.js"), "ci-config", "--env", "dev", ...args];
    execFile(process.execPath, command, options, (error, stdout, stderr) =>
      done({ status: error === null ? 0 : (error.code ?? undefined), stdout, stderr }),
    );
  });
}

/** The jobs of the workflow that the pipeline goes on with. */
function continued(): { jobs: string[]; configuration: CircleConfig; parameters: Readonly<Record<string, unknown>> } {
  expect(circle.posted).toHaveLength(1);
  const [{ "continuation-key": given, configuration: text, parameters } = { configuration: "" }] = circle.posted;
  expect(given).toBe(key);
  const configuration: CircleConfig = parse(text);
  expect(configurationProblems(configuration)).toEqual([]);
  const [workflow] = Object.values(configuration.workflows);
  const jobs = (workflow?.jobs ?? []).map((call) => {
    if (typeof call === "string") return call;
    const [job, invocation] = Object.entries(call)[0] ?? ["", {}];
    return typeof invocation.name === "string" ? invocation.name : job;
  });
  return { jobs, configuration, parameters: parameters ?? {} };
}

describe("the committed files", () => {
  test("are written at the root of the checkout, and checked", async () => {
    expect(await ciConfig([])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(".circleci/continue_config.yml"),
    });
    expect(readFileSync(join(source, ".circleci/config.yml"), "utf8")).toMatch(
      /^# Generated by `delivery ci-config`\./,
    );
    expect(await ciConfig(["--check"])).toMatchObject({ status: 0 });
  });

  test("are stale when a service comes: the file, the first difference, and what mends it", async () => {
    await ciConfig([]);
    write("svc/news_service/Dockerfile", "FROM scratch\nEXPOSE 7070\n");
    const { status, stderr } = await ciConfig(["--check"]);
    expect(status).toBe(1);
    expect(stderr).toContain(`${join(source, ".circleci/continue_config.yml")} is stale: line `);
    expect(stderr).toMatch(/must be " +- test: \{ name: test-news, service: news \}"/);
    expect(stderr).toContain("run `npx delivery ci-config --env dev` and commit the result");
    expect(stderr).not.toContain("config.yml is not there");
  });

  test("can be printed, or written elsewhere", async () => {
    const { stdout } = await ciConfig(["--print"]);
    await ciConfig(["--output", "elsewhere"]);
    for (const name of ["config.yml", "continue_config.yml"])
      expect(stdout).toContain(readFileSync(join(source, "elsewhere", name), "utf8").trim());
  });

  test("are not made as long as a Dockerfile takes what no commit has, and nothing makes it", async () => {
    write("svc/link_service/Dockerfile", "FROM scratch\nEXPOSE 7070\nCOPY app.jar dist/*.js /\n");
    write(".gitignore", "dist/\n");
    const { status, stderr } = await ciConfig(["--check"]);
    expect([status, stderr.split("\n")]).toEqual([
      1,
      [
        expect.stringMatching(
          /^error: svc\/link_service\/Dockerfile: COPY svc\/link_service\/app.jar: there is no such file in the commits, so that CI cannot build link; let `build.prepare` in svc\/link_service\/service.yaml be the command that makes it, /,
        ),
        expect.stringMatching(
          /Dockerfile: COPY svc\/link_service\/dist\/\*\.js: there is no directory svc\/link_service\/dist in the commits/,
        ),
        "",
      ],
    ]);
    write("svc/link_service/service.yaml", "build: { prepare: { command: mvn package <<x, image: maven:3 } }\n");
    expect(await ciConfig([])).toMatchObject({ status: 0 });
    const { jobs, executors, workflows }: CircleConfig = parse(
      readFileSync(join(source, ".circleci/continue_config.yml"), "utf8"),
    );
    expect([Object.keys(jobs).slice(0, 2), executors["prepare-maven"]]).toEqual([
      ["test", "prepare-image"],
      { docker: [{ image: "maven:3" }] },
    ]);
    expect(JSON.stringify(workflows["deliver"]?.jobs)).toContain('\\nmvn package \\\\<<x"');
  });

  test("are not made of stack files that the program refuses, whichever of the environments' it is", async () => {
    const images = { organization: "copies", username: "ci", source: "registry", signing: { publicKeys: [publicKey] } };
    write("stacks/Pulumi.dev.yaml", stringify({ config: settings({ services: { link: { replicas: 2, rollout } } }) }));
    write(
      "stacks/Pulumi.prod.yaml",
      stringify({
        config: settings({
          images: { ...images, signing: { ...images.signing, verify: "signed", secret: "image-key" } },
          ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10", projectSlug: "circleci/acme/shop" },
          promotion: { from: "dev", copyImages: true },
          gitops: { repository: deployUrl() },
          owns: {},
        }),
      }),
    );
    for (const options of [[], ["--check"], ["--print"]])
      expect(await ciConfig(options)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(
          /^error: stacks\/Pulumi\.dev\.yaml: services\.link\.rollout: .*set gitops\.rollouts/,
        ),
      });
    write("stacks/Pulumi.dev.yaml", stringify({ config: settings() }));
    const { status, stderr } = await ciConfig(["--check"]);
    expect([status, stderr.trimEnd().split("\n")]).toEqual([
      1,
      [
        expect.stringMatching(
          /^error: stacks\/Pulumi\.prod\.yaml: images\.signing\.origin: missing; promotion\.copyImages/,
        ),
        expect.stringMatching(/^ {7}stacks\/Pulumi\.prod\.yaml: images\.signing\.secret: is of the builds' context/),
      ],
    ]);
  });

  test("are not made where images would be copied to where they are; a freeze that is over is noted", async () => {
    const promotion = { from: "dev", copyImages: true };
    const gitops = { repository: deployUrl() };
    const freeze = { reason: "the sale", until: "2026-01-02T00:00:00Z" };
    write("stacks/Pulumi.prod.yaml", stringify({ config: settings({ promotion, gitops }) }));
    expect(await ciConfig(["--check"])).toMatchObject({
      status: 1,
      stderr:
        "error: stacks/Pulumi.prod.yaml: promotion.copyImages: has nothing to copy: the images of dev are in docker.io/acme, too; remove it, or let `images` say where prod has its own\n",
    });
    const ci = { ...Object(settings()["delivery:ci"]), resumeSchedule: "*/10 * * * *", repositoryId: "123" };
    write("stacks/Pulumi.dev.yaml", stringify({ config: settings({ ci }) }));
    write("stacks/Pulumi.prod.yaml", stringify({ config: settings({ promotion: { from: "dev" }, gitops, freeze }) }));
    expect(await ciConfig([])).toMatchObject({
      status: 0,
      stderr: `note: stacks/Pulumi.prod.yaml: freeze: is over since ${freeze.until}, and holds nothing back; remove it, or set \`until\` anew\n`,
    });
  });

  test("are not made for an environment that comes after another", async () => {
    const { status, stderr } = await ciConfig(["--env", "prod", "--check"]);
    expect([status, stderr]).toEqual([1, expect.stringContaining("`delivery ci-config --env dev`")]);
  });

  test("are those of the engine that the stack files name", async () => {
    writeTravisStacks();
    expect(await ciConfig([])).toMatchObject({ status: 0 });
    expect(readFileSync(join(source, ".travis.yml"), "utf8")).toContain(
      "\nif: tag IS blank AND (type IN (pull_request",
    );
    expect(await ciConfig(["--check"])).toMatchObject({ status: 0 });
    write(".travis/job.sh", "exit 0\n");
    expect(await ciConfig(["--check"])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`${join(source, ".travis/job.sh")} is stale: line 1 is "exit 0"`),
    });
  });

  test("of Travis CI need the name of the branch that is delivered", async () => {
    writeTravisStacks({ github: undefined, gitops: { repository: deployUrl() } });
    expect(await ciConfig([])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("github.branch is missing"),
    });
  });

  test.each([
    [["--check", "--print"], /exclude one another/],
    [["--continue", "--to", "HEAD"], /--branch is missing/],
    [
      ["--continue", "--to", "HEAD", "--branch", "main", "--drift", "perhaps"],
      /--drift "perhaps": must be true or false/,
    ],
  ])("a wrong command line has exit status 2: %j", async (args, message) => {
    expect(await ciConfig(args)).toMatchObject({ status: 2, stderr: expect.stringMatching(message) });
  });
});

describe("the pipeline goes on", () => {
  let base: string;
  beforeEach(async () => {
    await ciConfig([]);
    base = commit("first");
  });

  const continuePipeline = (to: string, branch: string, ...args: string[]): Promise<Outcome> =>
    ciConfig(["--continue", "--to", to, "--branch", branch, ...args]);

  test("on main, with what has changed since it was released, whatever was pushed last", async () => {
    write("svc/link_service/main.txt", "v2");
    const link = commit("link");
    write("svc/user_service/main.txt", "v2");
    const user = commit("user");
    const release = { digest: `sha256:${"1".repeat(64)}` };
    deploy.commit({
      [recordPath("dev", "link")]: recordWith({
        ...release,
        repository: "docker.io/acme/shop-link",
        sourceCommit: link,
      }),
      [recordPath("dev", "user")]: recordWith({
        ...release,
        repository: "docker.io/acme/shop-user",
        sourceCommit: base,
      }),
    });
    const { status, stdout } = await continuePipeline(user, "main", "--from", link);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^deliver: 1 of 2 services have changed\n {2}user: /)]);
    const { jobs, parameters } = continued();
    expect(jobs).toEqual([
      "test-user",
      "build-user",
      "release-dev",
      "publish-state-dev",
      "propose-prod",
      "approve-prod",
      "promote-prod",
      "publish-state-prod",
      "tidy-preview-environments",
      "delivery",
    ]);
    expect(parameters).toEqual({ trigger: "deliver", "pull-request": 0 });
  });

  test("on main with a status alone after a change of documents", async () => {
    const release = { digest: `sha256:${"1".repeat(64)}`, sourceCommit: base };
    deploy.commit({
      [recordPath("dev", "link")]: recordWith({ ...release, repository: "docker.io/acme/shop-link" }),
      [recordPath("dev", "user")]: recordWith({ ...release, repository: "docker.io/acme/shop-user" }),
    });
    write("README.md", "hello");
    expect(await continuePipeline(commit("docs"), "main", "--from", base)).toMatchObject({ status: 0 });
    expect(continued().jobs).toEqual(["delivery"]);
  });

  test("on a branch with what it changes since it left main, though CI knows no commit before", async () => {
    write("svc/user_service/main.txt", "v2");
    commit("main goes on");
    git("checkout", "--quiet", "-b", "feature", base);
    write("svc/link_service/main.txt", "v2");
    commit("link");
    write("README.md", "hello");
    expect(await continuePipeline(commit("docs"), "feature", "--from", "")).toMatchObject({ status: 0 });
    expect(continued()).toMatchObject({
      jobs: ["test-link", "build-link", "preview", "delivery"],
      parameters: { trigger: "review", "pull-request": 0 },
    });
  });

  describe("on a branch with a preview of what no image tells", () => {
    const [link, user] = ["shop/svc/link_service", "shop/svc/user_service"];
    beforeEach(async () => {
      // The program is not part of the monorepo.
      write("stacks/Pulumi.dev.yaml", stringify({ config: settings({ app: { name: "shop", directory: "shop" } }) }));
      for (const service of [link, user]) write(`${service}/Dockerfile`, "FROM scratch\nEXPOSE 7070\n");
      await ciConfig([]);
      commit("a monorepo in a directory");
      git("checkout", "--quiet", "-b", "feature");
    });

    test.each<[what: string, change: () => void, jobs: string[]]>([
      [
        "what a service needs",
        () => write(`${link}/service.yaml`, "replicas: 3\n"),
        ["test-link", "preview", "delivery"],
      ],
      [
        "an object that a service brings along",
        () => {
          git("checkout", "--quiet", "main");
          write(`${user}/service.yaml`, "manifests: [k8s/*.yaml]\n");
          write("shop/k8s/own.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: own }\n");
          commit("brings it along");
          git("checkout", "--quiet", "-B", "feature");
          write("shop/k8s/own.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: other }\n");
        },
        ["preview", "delivery"],
      ],
      ["that a service has gone", () => rmSync(join(source, user), { recursive: true }), ["preview", "delivery"]],
      ["and not of a Dockerfile that is no service's", () => write("shop/tools/Dockerfile", "FROM x\n"), ["delivery"]],
    ])("%s", async (_what, change, jobs) => {
      change();
      expect(await continuePipeline(commit("declares something else"), "feature")).toMatchObject({ status: 0 });
      expect(continued().jobs).toEqual(jobs);
    });
  });

  test("with another preview where the one before would stay as it is", async () => {
    circle.pullRequests.push(pullRequest());
    git("checkout", "--quiet", "-b", "feature");
    write("README.md", "hello");
    const docs = commit("docs");
    await continuePipeline(docs, "feature");
    expect(continued().jobs).toEqual(["delivery"]);
    circle.posted.pop();
    const user = { login: "robot", type: "User" };
    circle.comments.push({ id: 1, html_url: "", user, body: `${commentMarker("preview dev")}\n## Preview` });
    await continuePipeline(docs, "feature");
    expect(continued().jobs).toEqual(["preview", "delivery"]);
  });

  test("for a labelled pull request with an environment of its own", async () => {
    circle.pullRequests.push(pullRequest("preview"));
    git("checkout", "--quiet", "-b", "feature");
    write("svc/link_service/main.txt", "v2");
    await continuePipeline(commit("link"), "feature");
    expect(continued()).toMatchObject({
      jobs: ["test-link", "build-link", "preview", "preview-environment", "delivery"],
      parameters: { trigger: "review-with-environment", "pull-request": 12 },
    });
  });

  test("for a pull request on hold with a status that fails, and says what ends that", async () => {
    circle.pullRequests.push(pullRequest("delivery/hold"));
    git("checkout", "--quiet", "-b", "feature");
    write("svc/link_service/main.txt", "v2");
    await continuePipeline(commit("link"), "feature");
    const { configuration, jobs } = continued();
    expect(jobs).toEqual(["test-link", "build-link", "preview", "delivery"]);
    expect(JSON.stringify(configuration.workflows)).toContain(
      "pull request 12 is on hold: take the label delivery/hold off, and run its pipeline again",
    );
  });

  describe("in a merge queue", () => {
    const queue = `gh-readonly-queue/main/pr-12-${"a".repeat(40)}`;
    beforeEach(() => {
      git("checkout", "--quiet", "-b", queue);
      write("svc/link_service/main.txt", "v2");
    });

    test("what the delivered branch would be is tested and built, and not previewed again", async () => {
      circle.pullRequests.push(pullRequest("preview"));
      await continuePipeline(commit("link"), queue);
      expect(continued()).toMatchObject({
        jobs: ["test-link", "build-link", "delivery"],
        parameters: { trigger: "review", "pull-request": 0 },
      });
    });

    test("what is on hold does not pass", async () => {
      circle.pullRequests.push(pullRequest("delivery/hold"));
      await continuePipeline(commit("link"), queue);
      expect(JSON.stringify(continued().configuration.workflows)).toContain("pull request 12 is on hold");
    });
  });

  test("for a fork without credentials", async () => {
    git("checkout", "--quiet", "-b", "pull/7");
    write("svc/link_service/main.txt", "v2");
    await continuePipeline(commit("link"), "pull/7");
    const { configuration, parameters } = continued();
    expect(parameters).toEqual({ trigger: "review-of-fork", "pull-request": 7 });
    expect(JSON.stringify(configuration.workflows)).not.toContain("context");
  });

  test("without a pull request where GitHub does not answer, and says so", async () => {
    write(
      "stacks/Pulumi.dev.yaml",
      stringify({ config: settings({ github: { repository: "acme/other", api: circle.url } }) }),
    );
    git("checkout", "--quiet", "-b", "feature");
    const { status, stderr } = await continuePipeline(commit("another repository"), "feature");
    expect([status, stderr]).toEqual([
      0,
      expect.stringContaining("whether there is a pull request for feature is not known"),
    ]);
    expect(continued().parameters).toEqual({ trigger: "review", "pull-request": 0 });
  });

  test("to look for drift", async () => {
    await continuePipeline(base, "main", "--drift", "true");
    expect(continued()).toMatchObject({ jobs: ["drift-dev", "drift-prod"], parameters: { trigger: "drift" } });
  });

  test("to a status that fails where the committed files are stale", async () => {
    write("svc/news_service/Dockerfile", "FROM scratch\nEXPOSE 7070\n");
    git("checkout", "--quiet", "-b", "feature");
    expect(await continuePipeline(commit("news"), "feature")).toMatchObject({ status: 0 });
    const { jobs, configuration } = continued();
    expect(jobs).toEqual(["test-news", "build-news", "preview", "delivery"]);
    expect(JSON.stringify(configuration.workflows)).toMatch(/"problem":".*continue_config\.yml is stale: line \d+ is /);
  });

  test("to nothing but a status that says what is wrong with the stack file", async () => {
    write("stacks/Pulumi.dev.yaml", stringify({ config: settings({ app: { name: "Shop!", directory: "." } }) }));
    const { status, stderr } = await continuePipeline(commit("oops"), "main");
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: stacks\/Pulumi\.dev\.yaml: app\.name: "Shop!"/),
    ]);
    const { jobs, configuration } = continued();
    expect(jobs).toEqual(["delivery"]);
    expect(JSON.stringify(configuration.workflows)).toContain("Shop!");
  });

  test("to nothing but a status that says which stack file is none", async () => {
    write("stacks/Pulumi.prod.yaml", "config:\n  delivery:app: shop: link\n");
    const { status, stderr } = await continuePipeline(commit("oops"), "main");
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: stacks\/Pulumi\.prod\.yaml: is not YAML: Nested mappings .* at line 2/),
    ]);
    expect(continued().jobs).toEqual(["delivery"]);
  });

  test.each([
    ["a service's file", "svc/link_service/service.yaml", () => "replicas: ```\n", "service\\.yaml: "],
    [
      "an unknown setting",
      "stacks/Pulumi.dev.yaml",
      () => stringify({ config: settings({ replicas: 2 }) }),
      "stacks/Pulumi\\.dev\\.yaml: replicas: unknown key",
    ],
    [
      "a setting's value",
      "stacks/Pulumi.dev.yaml",
      () => stringify({ config: settings({ delivery: "by-hand" }) }),
      "stacks/Pulumi\\.dev\\.yaml: delivery: ",
    ],
    [
      "a secret in plain text",
      "stacks/Pulumi.dev.yaml",
      () => stringify({ config: settings({ services: { link: { env: { A: { secure: "v1:x" } } } } }) }),
      "stacks/Pulumi\\.dev\\.yaml: services\\.link\\.env\\.A: ",
    ],
  ])("to nothing but a status, and the pull request says what is wrong with %s", async (_, path, content, problem) => {
    git("checkout", "--quiet", "-b", "feature");
    write(path, content());
    const faulty = commit("oops");
    const { head, ...rest } = pullRequest();
    circle.pullRequests.push({ ...rest, head: { ...head, sha: faulty } });
    for (const attempt of [1, 2]) {
      expect(await continuePipeline(faulty, "feature"), `attempt ${attempt}`).toMatchObject({ status: 1 });
      expect(continued().jobs).toEqual(["delivery"]);
      circle.posted.pop();
    }
    const body = new RegExp(`^<!-- delivery:preview dev -->\\n## Preview\\n[^]*${problem}[^]*\\n\`{3,}\\n$`);
    expect(circle.comments).toEqual([expect.objectContaining({ body: expect.stringMatching(body) })]);
  });

  test("and says which Dockerfiles are no services", async () => {
    write("tools/migrate/Dockerfile", "FROM scratch\n");
    const { status, stderr } = await continuePipeline(commit("a tool"), "main");
    expect([status, stderr]).toEqual([
      0,
      `note: no service has tools/migrate/Dockerfile: app.services of stacks/Pulumi.dev.yaml is "svc/*"\n`,
    ]);
  });

  test("though CircleCI stumbles once", async () => {
    circle.refusals.push({ status: 503, message: "Try again." });
    const { status, stderr } = await continuePipeline(base, "main", "--drift", "true");
    expect([status, stderr]).toEqual([0, "HTTP 503: Try again.; trying again in 1 s\n"]);
    expect(continued().jobs).toContain("drift-dev");
  });

  test("not where CircleCI refuses, whose reason is shown without the key", async () => {
    circle.refusals.push({ status: 400, message: `Key ${key} was used.` }, { status: 400, message: "No." });
    const { status, stderr } = await continuePipeline(base, "main", "--drift", "true");
    expect(status).toBe(1);
    expect(stderr).toContain("does not continue the pipeline: HTTP 400: Key *** was used.");
    expect(stderr).not.toContain(key);
  });

  test("not outside of a setup job", async () => {
    const { status, stderr } = await ciConfig(["--continue", "--to", base, "--branch", "main"], {
      CIRCLE_CONTINUATION_KEY: undefined,
    });
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: CIRCLE_CONTINUATION_KEY is not set: only a job/),
    ]);
  });
});

test("an environment of another app is refused, such as one of the example's beside one's own", async () => {
  write(
    "stacks/Pulumi.prod.yaml",
    stringify({ config: settings({ promotion: { from: "dev" }, app: { name: "delinkcious", directory: "." } }) }),
  );
  expect(await ciConfig(["--check"])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(
      'stacks/Pulumi.prod.yaml: app.name: "delinkcious": it gets its digests from dev, which is of the app shop; remove the file',
    ),
  });
});

test("an environment whose jobs another engine would run is refused: one runs the whole pipeline", async () => {
  write(
    "stacks/Pulumi.prod.yaml",
    stringify({ config: settings({ promotion: { from: "dev" }, ci: { engine: "travis" } }) }),
  );
  expect(await ciConfig(["--check"])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(
      'stacks/Pulumi.prod.yaml: ci.engine: "travis": it gets its digests from dev, whose pipeline circleci runs (stacks/Pulumi.dev.yaml)',
    ),
  });
});

test("migrations of an environment in which no job could ask what has become of them are refused", async () => {
  write("svc/link_service/service.yaml", "migrations: { command: [/app, migrate] }\n");
  const { status, stderr } = await ciConfig([]);
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(
      /^error: dev: migrations of link: CI asks the cluster .* set ci\.environment\.DELIVERY_KUBECONFIG of stacks\/Pulumi\.dev\.yaml/,
    ),
  ]);
});

test("a hold that CI's job does not wait for is refused, also where the pods before are what it waits for", async () => {
  const of = async (link: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<string> => {
    const verified = {
      ci: { ...Object(settings()["delivery:ci"]), environment: { DELIVERY_KUBECONFIG: "kubeconfig" } },
      gitops: { repository: deployUrl(), rollouts: {} },
      verify: { minutes: 5, ...more },
      services: { link },
    };
    write("stacks/Pulumi.dev.yaml", stringify({ config: settings(verified) }));
    return (await ciConfig([])).stderr;
  };
  const blueGreen = (scaleDownDelay: string) => ({ rollout: { strategy: "blueGreen", scaleDownDelay } });
  expect(await of(blueGreen("5m"))).toBe("");
  expect(await of(blueGreen("10m"))).toContain(
    "the hold of link of dev (10 and 10 of 15 minutes, since pods of the image before are kept for as long) and its timeout are longer than CI's job waits",
  );
  expect(await of(blueGreen("10m"), { waitMinutes: 20 })).toBe("");
  expect(await of({ ...blueGreen("10m"), verify: "none" })).toBe("");
  expect(await of({}, { minutes: 6 })).toContain("the hold of link of dev (6 and 10 of 15 minutes), ");
});

/** The scripts of a job or command. */
function scripts(steps: readonly Step[]): string[] {
  return steps.flatMap((step) =>
    typeof step === "object" && "run" in step && "command" in step.run ? [String(step.run.command)] : [],
  );
}

describe("the commands of `prepare`", () => {
  const bash = (command: string, cwd: string, more: Record<string, string> = {}) => {
    const env = { PATH: process.env["PATH"], HOME: source, BASH_ENV: join(source, "bash-env"), ...more };
    // With a socket as standard input, as Node's pipes are, bash takes itself for a remote shell, which reads other files.
    return spawnSync("bash", ["-eo", "pipefail", "-c", command], {
      cwd,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  };
  // CircleCI makes the file, which every shell reads.
  beforeEach(() => write("bash-env", ""));

  test("fetch submodules, also those of submodules", () => {
    // Git takes no submodule from a directory unless it is told to, here and in all that it calls.
    const local = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "protocol.file.allow", GIT_CONFIG_VALUE_0: "always" };
    const initial =
      "git init --quiet -b main && git add --all && git -c user.name=a -c user.email=a@b commit -qm first";
    write("inner/file", "inner");
    write("outer/file", "outer");
    expect(bash(initial, join(source, "inner"))).toMatchObject({ status: 0 });
    expect(
      bash(`git init -q && git submodule --quiet add ${source}/inner deep && ${initial}`, join(source, "outer"), local),
    ).toMatchObject({ status: 0 });
    mkdirSync(join(source, "shop"));
    expect(
      bash(`git init -q && git submodule --quiet add ${source}/outer lib && ${initial}`, join(source, "shop"), local),
    ).toMatchObject({ status: 0 });
    expect(bash("git clone --quiet shop checkout", source)).toMatchObject({ status: 0 });
    const { submodules } = programLayout({
      program: join(source, "checkout"),
      programRoot: join(source, "checkout"),
      sourceRoot: join(source, "checkout"),
      declared: undefined,
      file: "",
    });
    const [fetchAll = ""] = scripts(prepareCommand({ program: ".", submodules }).steps);
    expect(bash(fetchAll, join(source, "checkout"), local)).toMatchObject({ status: 0 });
    expect(readFileSync(join(source, "checkout/lib/deep/file"), "utf8")).toBe("inner");
  });
});

describe("job delivery", () => {
  const [script] = scripts(aggregateJob.steps);

  /** Runs its script as CircleCI does, after these jobs have left their marks. */
  function addUp(jobs: string, done: readonly string[], problem = ""): { status: number | null; stdout: string } {
    mkdirSync(join(source, "project"));
    for (const job of done) write(`handed-over/done/${job}`, "");
    const env = { PATH: process.env["PATH"], JOBS: jobs, PROBLEM: problem };
    return spawnSync("bash", ["-eo", "pipefail", "-c", script ?? ""], {
      cwd: join(source, "project"),
      env,
      encoding: "utf8",
    });
  }

  test.each<[string, string, string[], string, number, string]>([
    ["succeeds if all jobs have", "test-link\nbuild-link", ["test-link", "build-link"], "", 0, "All is well.\n"],
    ["succeeds if there were none", "", [], "", 0, "All is well.\n"],
    ["names those that have not", "a b c", ["b"], "", 1, "These jobs did not succeed:\n  a\n  c\n"],
    ["says what is wrong otherwise", "a", ["a"], "it's *stale*", 1, "it's *stale*\n"],
  ])("%s", (_, jobs, done, problem, status, stdout) => {
    expect(addUp(jobs, done, problem)).toMatchObject({ status, stdout });
  });
});

describe("a build of Travis CI", () => {
  beforeEach(async () => {
    writeTravisStacks();
    await ciConfig([]);
    commit("first");
  });
  const plan = (...args: string[]) => ciConfig(["--continue", "--plan", "../plan-of-travis", "--to", "HEAD", ...args]);
  const planned = (): string[] => {
    const file = join(source, "../plan-of-travis");
    const lines = readFileSync(file, "utf8").split("\n");
    rmSync(file);
    return lines.filter(Boolean);
  };

  test("goes on with the jobs of what is not released yet, and a pull request asks where a person is to approve", async () => {
    const before = git("rev-parse", "HEAD");
    write("svc/link_service/Dockerfile", "FROM scratch\nEXPOSE 8080\n");
    commit("change");
    expect(await plan("--branch", "main", "--from", before)).toMatchObject({ status: 0 });
    expect(planned()).toEqual([
      "test test-link",
      // Nothing of it was released yet.
      "test test-user",
      "build build-link",
      "build build-user",
      "release release-dev",
      "publish-state publish-state-dev",
      "promote promote-prod",
      "publish-state publish-state-prod",
      "tidy-preview-environments tidy-preview-environments",
    ]);
    const file = readFileSync(join(source, ".travis.yml"), "utf8");
    expect(file).toContain("delivery promote --to prod --pull-request\n");
    expect(circle.posted).toEqual([]);
  });

  test("fails in its first job where the files are stale", async () => {
    write("svc/news_service/Dockerfile", "FROM scratch\nEXPOSE 7070\n");
    commit("a service more");
    expect(await plan("--branch", "main")).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/\.travis\.yml is stale: .*run `npx delivery ci-config --env dev`/),
    });
  });

  test("has to be told where the plan goes", async () => {
    expect(await ciConfig(["--continue", "--to", "HEAD", "--branch", "main"])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("give --plan FILE"),
    });
  });
});
