import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import type { CommandContext } from "../../../../cli/command.ts";
import { StackFile } from "../../../../cli/project/stack-file.ts";
import { tellGitHub } from "../../../../cli/verification/tell-github.ts";
import type { Outcome } from "../../../../cli/verification/outcome.ts";
import type { VerifiedService } from "../../../../cli/verification/verify.ts";
import { recordedJudgment } from "../../../support/sample-judgment.ts";
import { openGitHubHarness, writeToken, type GitHubHarness } from "../../../support/github-harness.ts";

const [one, two] = [`sha256:${"1".repeat(64)}`, `sha256:${"2".repeat(64)}`];
const link = "https://ci.example/7";

let harness: GitHubHarness;
let directory: string;
let commit: string;

beforeAll(async () => {
  harness = await openGitHubHarness();
  directory = mkdtempSync(join(tmpdir(), "tell-github-"));
  mkdirSync(directory, { recursive: true });
  const config = { "delivery:schemaVersion": 2, "delivery:github": { repository: "acme/shop", api: harness.api } };
  writeFileSync(join(directory, "Pulumi.dev.yaml"), stringify({ config }));
  await harness.push("main", { "README.md": "shop" });
  commit = await harness.push("change", { "cart.ts": "1" });
  await harness.request("POST", "/repos/acme/shop/pulls", { title: "Change", body: "", head: "change", base: "main" });
});
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

type Outcomes = Readonly<Record<string, Outcome>>;

async function told(token: string, found: Outcomes, recent: Outcomes = {}): Promise<string[]> {
  const notes: string[] = [];
  const services = (outcomes: Outcomes): VerifiedService[] =>
    Object.entries(outcomes).map(([service, outcome]) => ({ service, digest: two, sourceCommit: commit, outcome }));
  const both = { found: services(found), recent: async () => services(recent) };
  await tellGitHub(new StackFile("dev", directory), both, link, context(token, notes));
  return notes;
}
const context = (token: string, notes: string[]): CommandContext => ({
  environment: { DELIVERY_GITHUB_TOKEN: token },
  print: () => {},
  note: (line) => notes.push(line),
  input: async () => "",
  signal: new AbortController().signal,
});
const statuses = async () => (await harness.request("GET", `/repos/acme/shop/commits/${commit}/statuses`)).body;
const status = async () => (await statuses())[0];
const comments = async () => (await harness.request("GET", "/repos/acme/shop/issues/1/comments")).body;

const failed: Outcome = { state: "failed", evidence: "GET /: 500 in place of @200", back: one };
const passed: Outcome = { state: "passed", evidence: "all is well" };
const pending: Outcome = { state: "pending", detail: "it is running" };
const superseded: Outcome = { state: "superseded", detail: "superseded by another" };

test.each<[string, Record<string, Outcome>, string, string]>([
  ["pending", { cart: pending, catalog: passed }, "pending", "cart proves itself"],
  ["success", { cart: passed }, "success", "cart passed"],
  ["failure", { cart: failed, catalog: pending }, "failure", "cart failed, and is taken back"],
  [
    "failure of what cannot go back",
    { cart: failed, catalog: { ...failed, back: null, stays: "it is the first image of the service" } },
    "failure",
    "cart failed, and is taken back; catalog failed, and still runs",
  ],
])("the commit that an image was built from gets the status %s", async (_state, outcomes, state, description) => {
  expect(await told(writeToken, outcomes)).toEqual([]);
  expect(await status()).toMatchObject({ state, description, context: "delivery/verify-dev", target_url: link });
});

test("the pull request hears what was found, and what runs now, in one comment", async () => {
  await told(writeToken, { cart: failed, catalog: passed });
  await told(writeToken, { cart: failed });
  const bodies = (await comments()) as unknown as { body: string }[];
  expect(bodies).toHaveLength(1);
  expect(bodies[0]?.body).toContain(
    "| cart | <code>sha256:222222222222</code> | GET /: 500 in place of @<!-- -->200 | <code>sha256:111111111111</code>, what it ran before |",
  );
  expect(bodies[0]?.body).toContain(`[The job that found it](${link})`);
  expect(bodies[0]?.body).not.toContain("catalog");
});

test("the pull request hears what the metrics came to", async () => {
  await told(writeToken, { cart: { ...failed, judgment: recordedJudgment } });
  const [comment] = (await comments()) as unknown as { body: string }[];
  expect(comment?.body).toContain(
    [
      "What was measured of cart: score 45 of 100",
      "",
      "| metric | came to | group | score of the group |",
      "| --- | --- | --- | --- |",
      "| <code>errors</code> | high | errors | 0 of 100 |",
      "| <code>slow</code> | low | latency | 50 of 100 |",
    ].join("\n"),
  );
});

test("what a killed run has told nobody is told by the next one, once", async () => {
  await told(writeToken, { cart: pending });
  await told(writeToken, {}, { cart: failed, catalog: passed });
  expect(await status()).toMatchObject({ state: "failure", description: "cart failed, and is taken back" });
  const before = (await statuses()).length;
  await told(writeToken, {}, { cart: failed, catalog: passed });
  expect((await statuses()).length).toBe(before);
  expect(await comments()).toHaveLength(1);
});

test("what another run has found of the same commit counts, too", async () => {
  await told(writeToken, { cart: failed });
  await told(writeToken, { catalog: passed }, { cart: failed, catalog: pending });
  expect(await status()).toMatchObject({ state: "failure", description: "cart failed, and is taken back" });
  await told(writeToken, { catalog: passed }, { cart: passed });
  expect(await status()).toMatchObject({ state: "success", description: "catalog, cart passed" });
});

test("what another run has decided since this one has looked counts, and a wave before says nothing of the next one", async () => {
  await told(writeToken, { cart: passed });
  await told(writeToken, { cart: pending }, { cart: passed });
  expect(await status()).toMatchObject({ state: "success", description: "cart passed" });
  const inWave = (wave: number, outcome: Outcome): VerifiedService[] => [
    { service: "cart", digest: two, sourceCommit: commit, wave, outcome },
  ];
  const recent = async (): Promise<VerifiedService[]> => inWave(1, passed);
  await tellGitHub(
    new StackFile("dev", directory),
    { found: inWave(2, pending), recent },
    link,
    context(writeToken, []),
  );
  expect(await status()).toMatchObject({ state: "pending", description: "cart proves itself" });
  const both = async (): Promise<VerifiedService[]> => [...inWave(1, failed), ...inWave(2, failed)];
  await tellGitHub(
    new StackFile("dev", directory),
    { found: inWave(2, pending), recent: both },
    link,
    context(writeToken, []),
  );
  expect(await status()).toMatchObject({ state: "failure", description: "cart failed, and is taken back" });
});

test("of several waves of clusters, the one that has failed counts, and no later run takes that back", async () => {
  const services = (...outcomes: Outcome[]): VerifiedService[] =>
    outcomes.map((outcome) => ({ service: "cart", digest: two, sourceCommit: commit, outcome }));
  const tell = async (found: VerifiedService[], recent: VerifiedService[]): Promise<void> =>
    tellGitHub(new StackFile("dev", directory), { found, recent: async () => recent }, link, context(writeToken, []));
  await tell(services(failed), services(failed, failed));
  const before = (await statuses()).length;
  // In the first wave it could not be taken back.
  await tell([], services(passed, failed));
  expect((await statuses()).length).toBe(before);
  await tell(services(pending), []);
  await tell([], services(passed, pending));
  expect(await status()).toMatchObject({ state: "pending", description: "cart proves itself" });
  await tell([], services(passed, passed));
  expect(await status()).toMatchObject({ state: "success", description: "cart passed" });
});

test("nobody waits for the verdict of what was superseded, and nothing else is said of it", async () => {
  const before = (await statuses()).length;
  await told(writeToken, { cart: superseded });
  await told(writeToken, {}, { cart: superseded });
  expect((await statuses()).length).toBe(before);
  await told(writeToken, { cart: pending });
  await told(writeToken, {}, { cart: superseded });
  expect(await status()).toMatchObject({ state: "success", description: "cart was followed by a newer release" });
});

test("where the deploy repository does not answer, it is told of what this run has found", async () => {
  const notes: string[] = [];
  const services = [{ service: "cart", digest: two, sourceCommit: commit, outcome: passed }];
  const recent = () => Promise.reject(new Error("cannot be reached"));
  await tellGitHub(new StackFile("dev", directory), { found: services, recent }, link, context(writeToken, notes));
  expect(notes).toEqual(["GitHub is told of nothing that earlier runs have found: cannot be reached"]);
  expect(await status()).toMatchObject({ state: "success", description: "cart passed" });
});

test("without a token, or with one that is refused, it is only noted", async () => {
  expect(await told("", { cart: failed })).toEqual(["GitHub is not told: DELIVERY_GITHUB_TOKEN is not set"]);
  expect(await told("wrong", { cart: failed })).toEqual([
    expect.stringMatching(/^GitHub is not told of [0-9a-f]{40}: /),
  ]);
});
