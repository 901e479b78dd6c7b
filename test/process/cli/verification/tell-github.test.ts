import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { StackFile } from "../../../../cli/project/stack-file.ts";
import { tellGitHub } from "../../../../cli/verification/tell-github.ts";
import type { Outcome, VerifiedService } from "../../../../cli/verification/verify.ts";
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

async function told(token: string, outcomes: Readonly<Record<string, Outcome>>): Promise<string[]> {
  const notes: string[] = [];
  const services = Object.entries(outcomes).map(([service, outcome]): VerifiedService => ({
    service,
    digest: two,
    sourceCommit: commit,
    outcome,
  }));
  await tellGitHub(new StackFile("dev", directory), services, link, {
    environment: { DELIVERY_GITHUB_TOKEN: token },
    print: () => {},
    note: (line) => notes.push(line),
    input: async () => "",
    signal: new AbortController().signal,
  });
  return notes;
}
const status = async () => (await harness.request("GET", `/repos/acme/shop/commits/${commit}/statuses`)).body[0];
const comments = async () => (await harness.request("GET", "/repos/acme/shop/issues/1/comments")).body;

const failed: Outcome = { state: "failed", evidence: "GET /: 500 in place of @200", back: one };
const passed: Outcome = { state: "passed", evidence: "all is well" };
const pending: Outcome = { state: "pending", detail: "it is running" };

test.each<[string, Record<string, Outcome>, string, string]>([
  ["pending", { cart: pending, catalog: passed }, "pending", "cart proves itself"],
  ["success", { cart: passed }, "success", "cart passed"],
  ["failure", { cart: failed, catalog: pending }, "failure", "cart failed, and is taken back"],
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

test("without a token, or with one that is refused, it is only noted", async () => {
  expect(await told("", { cart: failed })).toEqual(["GitHub is not told: DELIVERY_GITHUB_TOKEN is not set"]);
  expect(await told("wrong", { cart: failed })).toEqual([
    expect.stringMatching(/^GitHub is not told of [0-9a-f]{40}: /),
  ]);
});
