import { expect, test } from "vitest";
import type { PullRequest } from "../../cli/github/github.ts";
import { findPullRequest } from "../../cli/preview/comment.ts";

test("of several pull requests with a commit, the one is meant that is at it", async () => {
  const pulls = [pull(8, "2222222"), pull(7, "1111111")];
  const github = { openPullRequestsFor: async () => pulls };
  expect(await findPullRequest(github, undefined, { CIRCLE_SHA1: "1111111" })).toBe(7);
  expect(await findPullRequest(github, undefined, { CIRCLE_SHA1: "3333333" })).toBe(8);
  expect(await findPullRequest(github, "12", { CIRCLE_SHA1: "1111111" })).toBe(12);
});

function pull(number: number, sha: string): PullRequest {
  return {
    number,
    title: "A change",
    state: "open",
    draft: false,
    url: `https://github.com/acme/shop/pull/${number}`,
    merged: false,
    author: "someone",
    labels: [],
    head: { ref: "change", sha, repository: "acme/shop" },
    base: { ref: "main", sha: "0000000" },
    fork: false,
  };
}
