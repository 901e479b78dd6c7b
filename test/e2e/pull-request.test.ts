import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { nextVersion } from "../../sandbox/demo.ts";
import type { PipelineEnd } from "../../sandbox/demo/pipeline-progress.ts";
import { enterGitOps, type GitOpsWorld } from "./gitops-world.ts";
import type { Developer, Edits } from "./loop-developer.ts";
import { enterLoop, type Loop } from "./loop-world.ts";
import { secretsIn, secretValues } from "./secret-values.ts";

const services = ["api-gateway", "link", "news", "social-graph", "user"];
const linkSource = "examples/delinkcious/svc/link_service/main.go";
const stackFile = "stacks/Pulumi.sandbox.yaml";
const status = "ci/circleci: delivery";

/** What a pull request would change is said before it is merged, and nothing is released or revealed by it. */
describe("a pull request", () => {
  let world: GitOpsWorld;
  let loop: Loop;
  /** All pipelines that pull requests have started. */
  const pipelines: PipelineEnd[] = [];
  const people: Developer[] = [];

  beforeAll(async () => {
    world = await enterGitOps();
    loop = await enterLoop(world);
    // So the records say what CI has released, and the state is published for forks.
    const owner = await developer();
    const commit = await owner.push("link: what runs", { [linkSource]: nextVersion });
    expect((await loop.pipeline(commit)).status).toBe("success");
  });

  afterAll(async () => {
    for (const person of people) person[Symbol.dispose]();
    await loop.leave();
  });

  test("says in one comment what it changes of which service, and releases nothing", async () => {
    const before = await whatIsReleased();
    const author = await developer();
    const edits = { [linkSource]: nextVersion, [stackFile]: linkReplicas(2) };
    const commit = await author.push("link: a new version, twice", edits, "twice");
    const number = await loop.github.openPullRequest("Link twice", "twice");
    expect((await ended(commit)).status).toBe("success");
    expect(await loop.github.statuses(commit)).toMatchObject({ [status]: "success" });
    const [comment, ...more] = await loop.github.comments(number);
    expect(more).toEqual([]);
    const { body = "" } = comment ?? {};
    console.log(body);
    const runs = loop.record("link").image?.digest.slice("sha256:".length).slice(0, 12);
    expect(rowsOf(body)).toEqual([
      `| <code>link</code> | <code>${runs}</code> → <code>built from ${commit.slice(0, 7)}</code> | replicas 1 → 2 |`,
    ]);
    expect(body).toContain("4 services unchanged.");
    expect(body).toMatch(
      /<details><summary><code>sandbox\/link\/deployment\.yaml<\/code> changed<\/summary>\n\n```diff\n@@ [^]*?\n-  replicas: 1\n\+  replicas: 2\n/,
    );
    expect(await whatIsReleased()).toEqual(before);

    const next = await author.push("link: thrice", { [stackFile]: linkReplicas(3) }, "twice");
    expect((await ended(next)).status).toBe("success");
    const updated = await loop.github.comments(number);
    expect(updated.map(({ id }) => id)).toEqual([comment?.id]);
    expect(updated[0]?.body).toContain(`at <code>${next.slice(0, 7)}</code>`);
    expect(rowsOf(updated[0]?.body ?? "")).toEqual([
      `| <code>link</code> | <code>${runs}</code> → <code>built from ${next.slice(0, 7)}</code> | replicas 1 → 3 |`,
    ]);
    expect(await whatIsReleased()).toEqual(before);
  });

  test("that is faulty says what is wrong with it, and fails", async () => {
    const author = await developer();
    const commit = await author.push(
      "A setting that there is not",
      { [stackFile]: settingOf("replicas", 2) },
      "faulty",
    );
    const number = await loop.github.openPullRequest("Faulty", "faulty");
    const end = await ended(commit);
    expect(statusesOf(end)).toMatchObject({ preview: "failed", delivery: "failed" });
    expect(await loop.github.statuses(commit)).toMatchObject({ [status]: "failure" });
    const [comment, ...more] = await loop.github.comments(number);
    expect(more).toEqual([]);
    console.log(comment?.body);
    expect(comment?.body).toContain("**The preview failed.**");
    expect(comment?.body).toMatch(/stacks\/Pulumi\.sandbox\.yaml: .*replicas/);
  });

  test("of a fork is previewed without credentials", async () => {
    const before = await whatIsReleased();
    const fork = await loop.github.fork("guest");
    const guest = await developer(fork);
    const edits = { [linkSource]: nextVersion, [stackFile]: linkReplicas(2) };
    const commit = await guest.push("link: from outside", edits, "twice");
    const number = await loop.github.openPullRequest("Link from outside", "guest:twice");
    const end = await ended(commit);
    expect([end.status, statusesOf(end)]).toEqual([
      "success",
      {
        "plan-of-fork": "success",
        "test-link": "success",
        "build-link": "success",
        preview: "success",
        delivery: "success",
      },
    ]);
    expect(await loop.github.statuses(commit)).toMatchObject({ [status]: "success" });
    const report = await loop.log(end, "preview");
    console.log(report);
    expect(report).toContain("Previewed without any credentials");
    expect(report).toContain("DELIVERY_GITHUB_TOKEN is not set; the report is printed only");
    expect(rowsOf(report)).toMatchObject([
      expect.stringMatching(
        new RegExp(`^\\| <code>link</code> \\| .*built from ${commit.slice(0, 7)}.* \\| replicas 1 → 2 \\|$`),
      ),
    ]);
    expect(report).toContain("4 services unchanged.");
    expect(await loop.github.comments(number)).toEqual([]);
    expect(await whatIsReleased()).toEqual(before);
  });

  test("of a fork has no secret to leak, whatever its jobs do", async () => {
    const guest = await developer(await loop.github.fork("mallory"));
    const commit = await guest.push("Thanks", { ".circleci/config.yml": () => thief }, "theft");
    await loop.github.openPullRequest("Thanks", "mallory:theft");
    const end = await ended(commit);
    expect(statusesOf(end)).toEqual({ look: "success", ask: "unauthorized" });
    const log = await loop.log(end, "look");
    const encoded = /^encoded: (\S+)$/m.exec(log)?.[1] ?? "";
    const environment = Buffer.from(encoded, "base64").toString();
    expect(environment).toContain("CIRCLE_PR_USERNAME=mallory");
    const secrets = secretValues(world.stateDir);
    expect(secretsIn(`${log}\n${environment}`, secrets)).toEqual([]);
    expect(environment).not.toMatch(/^(DOCKERHUB|DELIVERY|PULUMI_CONFIG|PULUMI_BACKEND)_/m);
  });

  test("leaves no secret in its comments, its jobs' logs, or what CI keeps on disk", async () => {
    const secrets = secretValues(world.stateDir);
    const logs = await Promise.all(pipelines.flatMap((end) => end.jobs.map(({ name }) => loop.log(end, name))));
    expect(logs.length).toBeGreaterThan(15);
    expect(secretsIn(logs.join("\n"), secrets)).toEqual([]);
    const comments = await Promise.all([1, 2, 3, 4].map((number) => loop.github.comments(number)));
    expect(comments.flat().length).toBe(2);
    expect(secretsIn(JSON.stringify(comments), secrets)).toEqual([]);
    const files = filesBelow(join(world.stateDir, "ci"));
    expect(files.some((file) => file.endsWith("pipeline.json"))).toBe(true);
    const leaks = files.flatMap((file) =>
      secretsIn(readFileSync(file, "latin1"), secrets).map((name) => `${file}: ${name}`),
    );
    expect(leaks).toEqual([]);
  });

  async function developer(repository?: string): Promise<Developer> {
    const person = await loop.developer(repository);
    people.push(person);
    return person;
  }

  async function ended(commit: string): Promise<PipelineEnd> {
    const end = await loop.pipeline(commit);
    pipelines.push(end);
    return end;
  }

  async function whatIsReleased(): Promise<object> {
    const tags = await Promise.all(services.map((service) => loop.tags(service)));
    return { records: services.map((service) => loop.record(service)), tags, running: await loop.deployed() };
  }
});

/** A config that looks for secrets wherever a job may look. */
const thief = `version: 2.1
jobs:
  look:
    docker: [{ image: cimg/base:current }]
    steps:
      - checkout
      - run: env; cat /proc/self/environ; git config --list; cat ~/.docker/config.json ~/.netrc ~/.pulumi/credentials.json || true
      - run: echo "encoded: $(env | base64 --wrap=0)"
  ask:
    docker: [{ image: cimg/base:current }]
    steps: [{ run: env }]
workflows:
  steal:
    jobs: [look, { ask: { context: delinkcious-sandbox } }]
`;

function linkReplicas(replicas: number): Edits[string] {
  return settingOf("services", { link: { replicas } });
}

/** Sets a setting of the stack file. */
function settingOf(key: string, value: unknown): Edits[string] {
  return (content) => {
    const document = parseDocument(content);
    document.setIn(["config", `delivery:${key}`], value);
    return document.toString();
  };
}

/** The lines of the table of services. */
function rowsOf(report: string): string[] {
  return report.split("\n").filter((line) => line.startsWith("| <code>"));
}

function statusesOf({ jobs }: PipelineEnd): Record<string, string> {
  return Object.fromEntries(jobs.map(({ name, status: end }) => [name, end]));
}

/** What is installed from elsewhere, and Git's own files, are left out. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}
