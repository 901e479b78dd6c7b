import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { nextVersion } from "../../sandbox/commands/demo/edit.ts";
import type { PipelineEnd } from "../../sandbox/commands/demo/pipeline-events.ts";
import { engineAccess } from "../../sandbox/engine/open-stack.ts";
import { credentialsFile } from "../../sandbox/machine/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { filesWith, formsOf } from "../support/secret-watch.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import type { GitOpsHarness } from "./support/gitops-harness.ts";
import { enterLoop, type Developer, type Edits, type LoopHarness } from "./support/loop-harness.ts";

const services = ["api-gateway", "link", "news", "social-graph", "user"];
const linkSource = "examples/delinkcious/svc/link_service/main.go";
const stackFile = "stacks/Pulumi.sandbox.yaml";
const status = "ci/circleci: delivery";

/** What a pull request would change is said before it is merged, and nothing is released or revealed by it. */
describe("a pull request", () => {
  let harness: GitOpsHarness;
  let loop: LoopHarness;
  /** All pipelines that pull requests have started. */
  const pipelines: PipelineEnd[] = [];
  /** The pull requests. */
  const numbers: number[] = [];
  const people: Developer[] = [];

  beforeAll(async () => {
    harness = await enterGitOps();
    loop = await enterLoop(harness);
    // So the records say what CI has released, and the state is published for forks.
    const owner = await developer();
    const commit = await owner.push("link: what runs", { [linkSource]: nextVersion });
    const { status: end } = await loop.pipeline(commit);
    if (end !== "success") throw new Error(`the pipeline of main ended with ${end}`);
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
    const number = await open("Link twice", "twice");
    expect((await ended(commit)).status).toBe("success");
    await expect.poll(() => loop.github.statuses(commit)).toMatchObject({ [status]: "success" });
    const [comment, ...more] = await loop.github.comments(number);
    expect(more).toEqual([]);
    const { body = "" } = comment ?? {};
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

  test("that is faulty says what is wrong with it, and fails; mended, it says what it does", async () => {
    const author = await developer();
    const commit = await author.push(
      "A setting that there is not",
      { [stackFile]: settingOf("replicas", 2) },
      "faulty",
    );
    const number = await open("Faulty", "faulty");
    const end = await ended(commit);
    expect(statusesOf(end)).toEqual({ plan: "failed", delivery: "failed" });
    await expect.poll(() => loop.github.statuses(commit)).toMatchObject({ [status]: "failure" });
    const [comment, ...more] = await loop.github.comments(number);
    expect(more).toEqual([]);
    expect(comment?.body).toContain("**The pull request cannot be previewed, tested or built.**");
    expect(comment?.body).toContain("stacks/Pulumi.sandbox.yaml: replicas: unknown key");

    const mended = await author.push("None", { [stackFile]: settingOf("replicas", undefined) }, "faulty");
    expect((await ended(mended)).status).toBe("success");
    const [updated] = await loop.github.comments(number);
    const { body = "" } = updated ?? {};
    expect(updated?.id).toBe(comment?.id);
    // What CI has released of link since the last update is none of this pull request's doing.
    expect([rowsOf(body), body.includes("built from")]).toEqual([[], false]);
    expect(body).toContain("5 services unchanged.");
  });

  test("of a fork is previewed without credentials", async () => {
    const before = await whatIsReleased();
    const fork = await loop.github.fork("guest");
    const guest = await developer(fork);
    const edits = { [linkSource]: nextVersion, [stackFile]: linkReplicas(2) };
    const commit = await guest.push("link: from outside", edits, "outside");
    const number = await open("Link from outside", "guest:outside");
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
    await expect.poll(() => loop.github.statuses(commit)).toMatchObject({ [status]: "success" });
    const report = await loop.log(end, "preview");
    expect(report).toContain("Previewed without any credentials");
    expect(report).toContain("DELIVERY_GITHUB_TOKEN is not set; the report is printed only");
    expect(rowsOf(report)).toEqual([
      `| <code>link</code> | <code>not known</code> → <code>built from ${commit.slice(0, 7)}</code> | replicas 1 → 2 |`,
    ]);
    expect(report).toContain("4 services unchanged.");
    expect(await loop.github.comments(number)).toEqual([]);
    expect(await whatIsReleased()).toEqual(before);
  });

  test("of a fork has no secret to leak, whatever its jobs do", async () => {
    const guest = await developer(await loop.github.fork("mallory"));
    const commit = await guest.push("Thanks", { ".circleci/config.yml": () => thief }, "theft");
    await open("Thanks", "mallory:theft");
    const end = await ended(commit);
    expect(statusesOf(end)).toEqual({ look: "success", ask: "unauthorized" });
    const log = await loop.log(end, "look");
    const encoded = /^encoded (\S+)$/m.exec(log)?.[1] ?? "";
    const environment = Buffer.from(encoded, "base64").toString();
    expect(environment).toContain("CIRCLE_PR_USERNAME=mallory");
    expect(secretsIn(`${log}\n${environment}`)).toEqual([]);
    expect(environment).not.toMatch(/^(DOCKERHUB_|DELIVERY_GIT|PULUMI_(CONFIG|BACKEND))/m);
  });

  test("leaves no secret in its comments, its jobs' logs, or what CI keeps on disk", async () => {
    const logs = await Promise.all(pipelines.flatMap((end) => end.jobs.map(({ name }) => loop.log(end, name))));
    expect(logs.length).toBeGreaterThan(15);
    expect(secretsIn(logs.join("\n"))).toEqual([]);
    const comments = await Promise.all(numbers.map((number) => loop.github.comments(number)));
    expect(comments.map((list) => list.length)).toEqual([1, 1, 0, 0]);
    expect(secretsIn(JSON.stringify(comments))).toEqual([]);
    const ci = join(harness.stateDir, "ci");
    await eventually("nothing is left of the jobs themselves", async () => readdirSync(join(ci, "work")).length === 0);
    for (const folder of ["pipelines", "repositories"]) {
      expect(readdirSync(join(ci, folder))).not.toEqual([]);
      expect(filesWith(join(ci, folder), secretValues(harness.stateDir))).toEqual([]);
    }
  });

  function secretsIn(text: string): string[] {
    return secretValues(harness.stateDir).filter((secret) => text.includes(secret));
  }

  async function developer(repository?: string): Promise<Developer> {
    const person = await loop.developer(repository);
    people.push(person);
    return person;
  }

  async function open(title: string, head: string): Promise<number> {
    const number = await loop.github.openPullRequest(title, head);
    numbers.push(number);
    return number;
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
      - run: echo "encoded $(env | base64 --wrap=0)"
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

/** Sets a setting of the stack file; `undefined` removes it. */
function settingOf(key: string, value: unknown): Edits[string] {
  return (content) => {
    const document = parseDocument(content);
    const path = ["config", `delivery:${key}`];
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, value);
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

/** Every password and token of a sandbox in the forms in which it may show. */
function secretValues(stateDir: string): string[] {
  const credentials: unknown = JSON.parse(readFileSync(credentialsFile(stateDir), "utf8"));
  const { passphrase } = engineAccess(join(stateDir, "pulumi"));
  return [...textsIn(credentials), passphrase].flatMap(formsOf);
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
