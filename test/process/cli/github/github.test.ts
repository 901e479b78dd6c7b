import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openGitHub, type GitHub } from "../../../../cli/github/github.ts";
import { commentMarker, putStickyComment } from "../../../../cli/github/sticky-comment.ts";
import { openGitHubHarness, strangerToken, writeToken, type GitHubHarness } from "../../../support/github-harness.ts";

describe("against the stand-in", () => {
  let harness: GitHubHarness;
  let github: GitHub;
  const heads = new Map<string, string>();

  beforeAll(async () => {
    harness = await openGitHubHarness();
    github = openGitHub({ api: harness.api, repository: "acme/shop", token: writeToken });
    await harness.push("main", { "README.md": "shop" });
    heads.set("change", await harness.push("change", { "cart.ts": "1" }));
  });
  afterAll(() => harness[Symbol.asyncDispose]());

  test("a pull request is opened once, and found by its branch and its commit", async () => {
    const request = { title: "Change", body: "why", head: "change", base: "main" };
    const made = await github.createPullRequest(request);
    expect(await github.createPullRequest(request)).toEqual(made);
    expect(made).toMatchObject({
      number: 1,
      state: "open",
      merged: false,
      labels: [],
      url: "http://github.test/acme/shop/pull/1",
      head: { ref: "change", sha: heads.get("change") },
      base: { ref: "main" },
    });
    expect(await github.openPullRequestsFor({ branch: "change" })).toEqual([made]);
    expect(await github.openPullRequestsFor({ sha: heads.get("change") ?? "" })).toEqual([made]);
    expect(await github.openPullRequestsFor({ branch: "other" })).toEqual([]);
  });

  test("a sticky comment is written over, and never over someone else's that looks like it", async () => {
    const marker = commentMarker("preview");
    const path = "/repos/acme/shop/issues/1/comments";
    await harness.request("POST", path, { body: `${marker}\ntrap` }, strangerToken);
    const first = await putStickyComment(github, 1, marker, "one");
    // As a request that was answered too late leaves it.
    await github.createComment(1, `${marker}\ndouble`);
    const second = await putStickyComment(github, 1, marker, "two");
    expect(second.id).toBe(first.id);
    const bodies = async () => (await github.comments(1)).map(({ body }) => body);
    expect(await bodies()).toEqual([`${marker}\ntrap`, `${marker}\ntwo`]);
  });

  test("a long list is read to its end", async () => {
    for (let index = 0; index < 101; index += 1) await github.createComment(1, `comment ${index}`);
    expect((await github.comments(1)).at(-1)?.body).toBe("comment 100");
  });

  test("a status is found behind a page of others", async () => {
    const sha = heads.get("change") ?? "";
    await github.setStatus(sha, {
      context: "delivery/verify-dev",
      state: "pending",
      description: "link proves itself",
    });
    for (let index = 0; index < 100; index += 1)
      await github.setStatus(sha, { context: `ci/test-${index}`, state: "success", description: "" });
    expect(await github.stateOf(sha, "delivery/verify-dev")).toBe("pending");
    expect(await github.stateOf(sha, "delivery/verify-prod")).toBeUndefined();
  });

  test("without a token one reads, and is told what it takes to write", async () => {
    const anonymous = openGitHub({ api: harness.api, repository: "acme/shop" });
    expect((await anonymous.pullRequest(1)).number).toBe(1);
    expect(await anonymous.login()).toBeUndefined();
    await expect(anonymous.createComment(1, "hello")).rejects.toThrow(
      "GitHub refuses to comment on acme/shop#1 (401: Requires authentication); set DELIVERY_GITHUB_TOKEN",
    );
  });

  test("what is not there, and what is not allowed, is named with what to do about it", async () => {
    await expect(github.pullRequest(99)).rejects.toThrow(
      "GitHub refuses to read pull request acme/shop#99 (404: Not Found); it is not there, or hidden: check github.repository",
    );
    const stranger = openGitHub({ api: harness.api, repository: "acme/shop", token: strangerToken });
    const { id } = await github.createComment(1, "ours");
    await expect(stranger.updateComment(id, "theirs")).rejects.toThrow(
      /\(403: .*give the token in DELIVERY_GITHUB_TOKEN/,
    );
    const wrong = openGitHub({ api: harness.api, repository: "acme/shop", token: "wrong" });
    await expect(wrong.pullRequest(1)).rejects.toThrow(/\(401: Bad credentials\); DELIVERY_GITHUB_TOKEN is not valid/);
    await expect(github.createPullRequest({ title: "t", body: "", head: "none", base: "main" })).rejects.toThrow(
      "open a pull request of none for main of acme/shop (422: Validation Failed, head invalid)",
    );
  });
});

describe("when GitHub is in trouble", () => {
  type Answer = (response: ServerResponse) => void;
  const pull = {
    number: 1,
    html_url: "http://github.test/1",
    state: "open",
    labels: [],
    head: { ref: "a", sha: "1" },
    base: { ref: "b", sha: "2" },
  };
  const good: Answer = (response) => response.end(JSON.stringify(pull));
  const status =
    (code: number, headers: Record<string, string> = {}, body = "{}"): Answer =>
    (response) =>
      response.writeHead(code, headers).end(body);

  /** A server that gives these answers, the last one for ever. */
  async function scripted(...answers: Answer[]): Promise<{ github: GitHub; asked: IncomingMessage[] }> {
    const asked: IncomingMessage[] = [];
    const server = createServer((request, response) => {
      asked.push(request);
      (answers.length > 1 ? answers.shift() : answers[0])?.(response);
    });
    await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
    onTestFinished(() => void server.close());
    // A listening server on TCP has such an address.
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { github: openGitHub({ api, repository: "acme/shop", token: "t", longestPause: 50 }), asked };
  }

  test("a request is sent again when it stumbles or asks for patience", async () => {
    const { github, asked } = await scripted(
      status(502),
      (response) => void response.destroy(),
      status(429, { "retry-after": "0" }),
      good,
    );
    expect(await github.pullRequest(1)).toMatchObject({ number: 1, state: "open", labels: [] });
    expect(asked).toHaveLength(4);
    expect(asked[0]?.headers).toMatchObject({ authorization: "Bearer t", "x-github-api-version": "2022-11-28" });
  });

  test("a limit that holds for long is reported at once, with its end", async () => {
    const reset = Math.floor(Date.now() / 1000) + 3_600;
    const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(reset) };
    const { github, asked } = await scripted(status(403, headers, '{"message":"API rate limit exceeded"}'));
    await expect(github.pullRequest(1)).rejects.toThrow(
      `(403: API rate limit exceeded); its limit of requests is reached until ${new Date(reset * 1000).toISOString()}; run this again later`,
    );
    expect(asked).toHaveLength(1);
  });

  test("the limit of what is asked at once is known by its name, and not by the end of the other one", async () => {
    const body = '{"message":"You have exceeded a secondary rate limit. Please wait a few minutes."}';
    const headers = {
      "x-ratelimit-remaining": "4983",
      "x-ratelimit-reset": String(Math.floor(Date.now() / 1000) + 60),
    };
    const limit = status(403, headers, body);
    const passing = await scripted(limit, good);
    expect(await passing.github.pullRequest(1)).toMatchObject({ number: 1 });
    const lasting = await scripted(limit);
    await expect(lasting.github.pullRequest(1)).rejects.toThrow(
      "(403: You have exceeded a secondary rate limit. Please wait a few minutes.); its limit of requests is reached; run this again later",
    );
    expect(lasting.asked).toHaveLength(5);
    // An app's token may not ask whose it is: the same status, and no limit.
    const unknown = await scripted(limit, status(403), good);
    expect(await unknown.github.login()).toBeUndefined();
    expect(unknown.asked).toHaveLength(2);
  });

  test("an answer that is not GitHub's is named so", async () => {
    const { github } = await scripted((response) => response.end("<html>"));
    await expect(github.pullRequest(1)).rejects.toThrow(
      /asked to read pull request acme\/shop#1 is not as documented: .*is github.api the base URL/,
    );
  });

  test("a next page elsewhere gets no token", async () => {
    const { github } = await scripted((response) =>
      response.writeHead(200, { link: '<http://elsewhere.test/2>; rel="next"' }).end("[]"),
    );
    await expect(github.comments(1)).rejects.toThrow("sends us to http://elsewhere.test for the next page");
  });
});
