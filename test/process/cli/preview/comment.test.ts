import { afterEach, beforeEach, expect, test } from "vitest";
import { openGitHub } from "../../../../cli/github/github.ts";
import { commentReport } from "../../../../cli/preview/comment.ts";
import { PullRequestStandIn } from "../../../support/pull-request-stand-in.ts";

const older = "1".repeat(40);
const newer = "2".repeat(40);

let github: PullRequestStandIn;
beforeEach(async () => {
  github = await PullRequestStandIn.start();
  github.pullRequests.set(7, { state: "open", labels: [], sha: older });
});
afterEach(() => github[Symbol.asyncDispose]());

const bodies = (): string[] => (github.comments.get(7) ?? []).map(({ body }) => body);

function comment(report: string, commit: string | undefined): Promise<string> {
  const client = openGitHub({ api: github.url, repository: "acme/shop", token: "t" });
  return commentReport(client, { report, first: "dev", commit, pullRequest: "7" }, {});
}

test("a slow job of an older commit does not write over what a newer one has said", async () => {
  await comment("of the older", older);
  github.pullRequests.set(7, { state: "open", labels: [], sha: newer });
  await comment("of the newer", newer);
  const said = await comment("of the older, again", older);
  expect(bodies()).toEqual(["<!-- delivery:preview dev -->\nof the newer"]);
  expect(said).toContain(`no comment: pull request 7 is at ${newer} by now`);
});

test("a report of no commit, as somebody makes it by hand, is written", async () => {
  expect(await comment("by hand", undefined)).toMatch(/^comment https:/);
  expect(await comment("by hand, with the commit", older.slice(0, 7))).toMatch(/^comment https:/);
  expect(bodies()).toEqual(["<!-- delivery:preview dev -->\nby hand, with the commit"]);
});
