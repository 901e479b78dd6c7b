import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { command as log } from "../../../../cli/commands/log.ts";
import { command as promote } from "../../../../cli/commands/promote.ts";
import { openDeliveredShop, type DeliveredShop } from "../../../support/delivered-shop.ts";

const program = process.cwd();
let shop: DeliveredShop;
/** By what they do. */
const ids: Record<string, string> = {};

beforeAll(async () => {
  shop = await openDeliveredShop();
  process.chdir(shop.root);
  const { github, commit } = shop;
  ids["begin"] = await github.git("rev-parse", "HEAD");
  ids["feature"] = await commit("feat(page): Say hello (#7)", { "svc/link_service/page.txt": "Hello.\n" });
  ids["docs"] = await commit("docs: Explain", { "README.md": "# The shop\n" });
  await github.git("checkout", "-q", "-b", "terms");
  ids["terms"] = await commit("Returns are taken", { "pkg/terms.txt": "Returns.\n" });
  await github.git("checkout", "-q", "main");
  ids["breaking"] = await commit("fix!: No more greeting\n\nWhy not.\n\nBREAKING CHANGE: it is gone\nfor ever", {
    "svc/link_service/page.txt": "\n",
  });
  await github.git("merge", "-q", "--no-ff", "-m", "Merge pull request #8 from acme/terms", "terms");
  ids["merge"] = await commit("chore: Nothing", {});
});
afterAll(async () => {
  process.chdir(program);
  await shop[Symbol.asyncDispose]();
});

const short = (name: string): string => (ids[name] ?? "").slice(0, 7);

describe("between two commits", () => {
  test("lists what concerns each service, grouped, with pull requests; merges and documentation are left out", async () => {
    const { output, error } = await shop.run(log, ["--from", ids["begin"] ?? ""]);
    expect(error).toBe("");
    expect(output).toBe(`link ${short("begin")}..${short("merge")}: 3 commits
  Breaking changes
    ${short("breaking")} No more greeting
            it is gone for ever
  Features
    ${short("feature")} page: Say hello (#7) ${shop.github.api}/acme/shop/pull/7
  Other changes
    ${short("terms")} Returns are taken (#8) ${shop.github.api}/acme/shop/pull/8

user ${short("begin")}..${short("merge")}: 1 commit
  Other changes
    ${short("terms")} Returns are taken (#8) ${shop.github.api}/acme/shop/pull/8`);
  });

  test("of one service, for machines; the order of the commits turns what is added into what is taken back", async () => {
    const { output } = await shop.run(log, [
      "--from",
      ids["feature"] ?? "",
      "--to",
      ids["begin"] ?? "",
      "--service",
      "link",
      "--json",
    ]);
    expect(JSON.parse(output)).toEqual({
      services: [
        {
          service: "link",
          from: ids["feature"],
          to: ids["begin"],
          changes: [],
          takenBack: [
            {
              id: ids["feature"],
              at: expect.stringMatching(/^\d{4}-.*Z$/),
              type: "feat",
              scope: "page",
              subject: "Say hello",
              breaking: null,
              pullRequest: 7,
              reason: "svc/link_service/page.txt",
            },
          ],
          unknown: null,
        },
      ],
    });
  });

  test("what concerns nothing is said in a sentence", async () => {
    expect((await shop.run(log, ["--from", `${ids["docs"]}~1`, "--to", ids["docs"] ?? ""])).output).toBe(
      "no commit concerns a service",
    );
  });

  test.each([
    [["--from", "main", "--service", "lnk"], /no service "lnk" in .*: there are link, user/],
    [["--from", "main", "--env", "dev..prod"], /two environments do not go with --from or --to/],
    [[], /--from is missing/],
    [["--env", "dev"], /--from is missing/],
    [["--env", "dev.."], /must be two environments such as staging\.\.prod/],
    [["--env", "dev..dev"], /both environments are dev/],
  ])("refuses %j", async (args, message) => expect((await shop.run(log, args)).error).toMatch(message));

  test("a commit that is not known is said to be so", async () => {
    const { output } = await shop.run(log, ["--from", "f".repeat(40), "--service", "user"]);
    expect(output).toBe(`user fffffff..${short("merge")}: ${"f".repeat(40)} is not known in .; fetch it`);
  });
});

describe("between two environments", () => {
  beforeAll(() => {
    shop.release("dev", "link", "2", ids["breaking"]);
    shop.release("staging", "link", "1", ids["feature"]);
    shop.release("dev", "user", "2");
    shop.release("prod", "user", "1", ids["begin"]);
  });

  test("lists what a promotion would bring", async () => {
    const { output } = await shop.run(log, ["--env", "dev..staging"]);
    expect(output).toContain(`link ${short("feature")}..${short("breaking")}: 1 commit\n`);
    expect(output).toContain("user: staging runs nothing of it yet");
    expect((await shop.run(log, ["--env", "dev..prod"])).output).toContain(
      "user: its record in dev names no commit of the monorepo",
    );
  });

  test("what would be taken back is named", async () => {
    const { output } = await shop.run(log, ["--env", "staging..dev", "--service", "link"]);
    expect(output).toContain(`link ${short("breaking")}..${short("feature")}: 1 commit taken back\n  Taken back\n`);
  });

  test("the pull request of a promotion carries it, and its markup is harmless", async () => {
    ids["nasty"] = await shop.commit("fix: <img src=x> @everyone [x](http://evil.test)", {
      "svc/link_service/page.txt": "3\n",
    });
    shop.release("dev", "link", "3", ids["nasty"]);
    const { output: proposed, error } = await shop.run(promote, [
      "--to",
      "staging",
      "--service",
      "link",
      "--unverified",
      "--pull-request",
      "--json",
    ]);
    expect(error).toBe("");
    const { number } = JSON.parse(proposed).pullRequest;
    const { body } = await shop.github.request("GET", `/repos/acme/deploy/pulls/${number}`);
    const { output } = await shop.run(log, ["--env", "dev..staging", "--service", "link", "--markdown"]);
    expect(output).toContain("<details><summary><b>link</b>: 3 commits</summary>");
    expect(output).toContain(`- [\`${short("nasty")}\`](${shop.github.api}/acme/shop/commit/${ids["nasty"]}) `);
    expect(output).not.toMatch(/<img|@everyone|\]\(http:\/\/evil/);
    expect(body["body"]).toContain(output);
  });
});
