import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { command as where } from "../../../../cli/commands/where.ts";
import { openDeliveredShop, type DeliveredShop } from "../../../support/delivered-shop.ts";
import { strangerToken } from "../../../support/github-harness.ts";

const program = process.cwd();
let shop: DeliveredShop;
let change: string;
let later: string;
let docs: string;
let begin: string;
/** Commits of the deploy repository. */
const released: Record<string, string> = {};

beforeAll(async () => {
  shop = await openDeliveredShop();
  process.chdir(shop.root);
  const { github, commit, release } = shop;
  begin = await github.git("rev-parse", "HEAD");
  change = await commit("fix: Link", { "svc/link_service/page.txt": "2\n" });
  docs = await commit("docs: Explain", { "README.md": "# The shop\n" });
  later = await commit("fix: Both", { "pkg/terms.txt": "2\n" });
  release("dev", "link", "1", begin);
  released["dev"] = release("dev", "link", "2", change);
  release("dev", "link", "3", later);
  release("staging", "link", "1", begin);
  release("prod", "link", "2", change);
  released["prod"] = release("prod", "link", "1", begin);
});
afterAll(async () => {
  process.chdir(program);
  await shop[Symbol.asyncDispose]();
});

test("says of a commit in which environments it is, since when, and by what", async () => {
  const { output, error } = await shop.run(where, [change.slice(0, 9)]);
  expect(error).toBe("");
  const at = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`;
  const short = (name: string): string => (released[name] ?? "").slice(0, 7);
  expect(output).toMatch(
    new RegExp(
      [
        `^${change.slice(0, 12)} concerns link`,
        `dev      link  since ${at}, by ${short("dev")} of the deploy repository`,
        `staging  link  not yet: runs what was built from ${begin.slice(0, 7)}`,
        `prod     link  no longer, since ${at}, by ${short("prod")} of the deploy repository: runs what was built from ${begin.slice(0, 7)}$`,
      ].join("\n"),
    ),
  );
});

test("takes a commit by any name that Git has for it", async () => {
  const { output } = await shop.run(where, [change]);
  for (const name of [`${change}^{commit}`, "HEAD~2", "main~2"])
    expect(await shop.run(where, [name])).toMatchObject({ output, error: "" });
});

test("answers machines; what nothing runs of is not there yet, and what a watcher has released is unknown", async () => {
  shop.release("dev", "user", "4");
  const { output } = await shop.run(where, [later, "--json"]);
  expect(JSON.parse(output)).toMatchObject({
    commit: later,
    pullRequest: null,
    services: ["link", "user"],
    environments: [
      {
        environment: "dev",
        services: [
          { service: "link", state: "there", sourceCommit: later },
          { service: "user", state: "unknown", since: null },
        ],
      },
      {
        environment: "staging",
        services: [
          { service: "link", state: "not-yet" },
          { service: "user", state: "not-yet", sourceCommit: null },
        ],
      },
      {
        environment: "prod",
        services: [
          { service: "link", state: "not-yet" },
          { service: "user", state: "not-yet" },
        ],
      },
    ],
  });
});

test("another app's stack file is left out by naming the first environment", async () => {
  shop.declare("sandbox", { app: { name: "other", directory: "." } });
  expect((await shop.run(where, [change])).error).toMatch(/do not agree on the services/);
  const { output } = await shop.run(where, [change, "--env", "dev", "--json"]);
  const { environments } = JSON.parse(output) as { environments: { environment: string }[] };
  expect(environments.map(({ environment }) => environment)).toEqual(["dev", "staging", "prod"]);
  rmSync(join(shop.root, "stacks/Pulumi.sandbox.yaml"));
});

test("a commit of documentation concerns nothing; the first of all concerns everything", async () => {
  expect((await shop.run(where, [docs])).output).toBe(`${docs.slice(0, 12)} concerns no image of a service`);
  expect((await shop.run(where, [begin])).output).toMatch(/^[0-9a-f]{12} concerns link, user\n/);
});

test("says of a pull request where it is once it is merged, also where that was squashed and others came between", async () => {
  const { github, commit } = shop;
  await github.git("checkout", "-q", "-b", "more");
  await commit("One", { "svc/user_service/page.txt": "2\n" });
  await commit("Two", { "svc/user_service/page.txt": "3\n" });
  const opened = await github.request("POST", "/repos/acme/shop/pulls", { title: "More", head: "more", base: "main" });
  const number = opened.body["number"];
  expect((await shop.run(where, [`#${number}`])).error).toBe(
    `pull request acme/shop#${number} is open: no environment has it`,
  );
  await github.git("checkout", "-q", "main");
  await commit("fix: Between", { "svc/link_service/page.txt": "3\n" });
  const merged = await github.request("PUT", `/repos/acme/shop/pulls/${number}/merge`, { merge_method: "squash" });
  await github.git("pull", "-q", "origin", "main");
  shop.release("dev", "user", "5", merged.body["sha"]);
  const { output } = await shop.run(where, [`${number}`]);
  expect(output).toMatch(
    new RegExp(`^pull request #${number}, merged by [0-9a-f]{12} concerns user\ndev +user  since `),
  );
});

test.each([
  [["trunk"], /"trunk" is no commit that \. knows; fetch it there, or correct it/],
  [["main:other"], /"main:other" is no commit that \. knows/],
  [["two\nlines"], /"two\\nlines" is neither a commit nor the number of a pull request/],
  [[], /COMMIT\|PR is missing/],
  [["1", "2"], /"2" is one argument too many/],
  [["f".repeat(40)], /"f{40}" is no commit that \. knows; fetch it there, or correct it/],
  [["#999"], /GitHub refuses to read pull request acme\/shop#999/],
])("refuses %j", async (args, message) => {
  const environment = { PATH: process.env["PATH"], DELIVERY_GITHUB_TOKEN: strangerToken };
  expect((await shop.run(where, args, { environment })).error).toMatch(message);
});
