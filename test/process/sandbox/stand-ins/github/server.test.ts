import { createHmac } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  openGitHubHarness,
  strangerToken,
  urlWithToken,
  webhookSecret,
  type GitHubHarness,
} from "../../../../support/github-harness.ts";

let harness: GitHubHarness;

beforeEach(async () => {
  harness = await openGitHubHarness();
});

afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const shop = "/repos/acme/shop";

/** A pull request of branch `change` for main. */
async function openPull(): Promise<{ base: string; head: string }> {
  const base = await harness.push("main", { "README.md": "shop" });
  const head = await harness.push("change", { "cart.ts": "1" });
  const { status } = await harness.request("POST", `${shop}/pulls`, { title: "Change", head: "change", base: "main" });
  expect(status).toBe(201);
  return { base, head };
}

/** `event action`, as far as it has come. */
const events = (): string[] => harness.received.map(({ event, action }) => [event, action].join(" ").trim());

const eventually = (assertion: () => void): Promise<void> => vi.waitFor(assertion, { timeout: 10_000, interval: 20 });

test("a repository is what its settings say, at both base URLs", async () => {
  for (const prefix of ["", "/api/v3"]) {
    const { status, body } = await harness.request("GET", `${prefix}${shop}`, undefined, "");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: 42,
      full_name: "acme/shop",
      private: false,
      default_branch: "main",
      clone_url: `${harness.gitUrl}/acme/shop.git`,
      owner: { login: "acme" },
    });
  }
});

test.each([
  ["a private repository of nobody", 404, "GET", "/repos/acme/secret", "", "Not Found"],
  ["an unknown repository", 404, "GET", "/repos/acme/none", undefined, "Not Found"],
  ["an unknown path", 404, "GET", "/nothing", undefined, "Not Found"],
  ["a wrong token", 401, "GET", shop, "wrong", "Bad credentials"],
  ["nobody who writes", 401, "POST", `${shop}/pulls`, "", "Requires authentication"],
  [
    "a stranger who writes",
    403,
    "POST",
    `${shop}/statuses/${"0".repeat(40)}`,
    strangerToken,
    "Resource not accessible by personal access token",
  ],
  ["a pull request that is not there", 404, "GET", `${shop}/pulls/7`, undefined, "Not Found"],
])("%s gets %i", async (_what, status, method, path, token, message) => {
  const answer = await harness.request(method, path, method === "POST" ? {} : undefined, token);
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ message, status: String(status) });
});

test("a body that is no JSON is refused", async () => {
  const response = await fetch(`${harness.api}${shop}/pulls`, { method: "POST", body: "{" });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ message: "Problems parsing JSON" });
});

test("a pull request shows its commits, and keeps them at refs/pull", async () => {
  const { base, head } = await openPull();
  const { body } = await harness.request("GET", `${shop}/pulls/1`);
  expect(body).toMatchObject({
    number: 1,
    state: "open",
    title: "Change",
    body: null,
    user: { login: "robot" },
    html_url: "http://github.test/acme/shop/pull/1",
    head: { ref: "change", sha: head, label: "acme:change", repo: { full_name: "acme/shop" } },
    base: { ref: "main", sha: base },
    merged: false,
    mergeable: true,
    commits: 1,
    changed_files: 1,
    additions: 1,
  });
  expect(await harness.git("ls-remote", urlWithToken(harness.gitUrl, "acme/shop"), "refs/pull/1/head")).toContain(head);
});

test("what cannot be a pull request is refused in GitHub's words", async () => {
  await openPull();
  await harness.git("push", "-q", urlWithToken(harness.gitUrl, "acme/shop"), "main:same");
  const refused = async (body: unknown) => {
    const answer = await harness.request("POST", `${shop}/pulls`, body);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ message: "Validation Failed" });
    return answer.body["errors"];
  };
  expect(await refused({ head: "change", base: "main" })).toEqual([
    { resource: "PullRequest", field: "title", code: "missing_field" },
  ]);
  expect(await refused({ title: "t", head: "change", base: "none" })).toEqual([
    { resource: "PullRequest", field: "base", code: "invalid" },
  ]);
  expect(await refused({ title: "t", head: "none", base: "main" })).toEqual([
    { resource: "PullRequest", field: "head", code: "invalid" },
  ]);
  expect(await refused({ title: "t", head: "stranger:change", base: "main" })).toEqual([
    { resource: "PullRequest", field: "head", code: "invalid" },
  ]);
  expect(await refused({ title: "t", head: "acme:change", base: "main" })).toEqual([
    { resource: "PullRequest", code: "custom", message: "A pull request already exists for acme:change." },
  ]);
  expect(await refused({ title: "t", head: "same", base: "main" })).toEqual([
    { resource: "PullRequest", code: "custom", message: "No commits between main and same" },
  ]);
});

test("lists are filtered, sorted, and come in pages", async () => {
  await openPull();
  await harness.push("second", { "second.ts": "2" });
  await harness.request("POST", `${shop}/pulls`, { title: "Second", head: "second", base: "main" });
  await harness.request("PATCH", `${shop}/pulls/1`, { state: "closed" });
  const numbers = async (query: string): Promise<number[]> => {
    const { body } = await harness.request("GET", `${shop}/pulls?${query}`);
    return body.map((pull) => Number(pull["number"]));
  };
  expect(await numbers("")).toEqual([2]);
  expect(await numbers("state=all")).toEqual([2, 1]);
  expect(await numbers("state=all&direction=asc")).toEqual([1, 2]);
  expect(await numbers("state=closed&head=acme:change")).toEqual([1]);
  expect(await numbers("state=all&head=acme:second&base=main")).toEqual([2]);
  expect(await numbers("base=other")).toEqual([]);
  const { headers } = await harness.request("GET", `${shop}/pulls?state=all&per_page=1`);
  expect(headers.get("link")).toBe(
    `<${harness.api}${shop}/pulls?state=all&per_page=1&page=2>; rel="next", <${harness.api}${shop}/pulls?state=all&per_page=1&page=2>; rel="last"`,
  );
  expect(await numbers("state=all&per_page=1&page=2")).toEqual([1]);
});

test("webhooks tell of pushes and pull requests in order, signed, with what GitHub's say", async () => {
  const { base, head } = await openPull();
  const next = await harness.push("change", { "cart.ts": "2", "svc/link/main.go": "" });
  await eventually(() =>
    expect(events()).toEqual(["push", "push", "pull_request opened", "push", "pull_request synchronize"]),
  );
  const [first, , opened, pushed, synchronize] = harness.received;
  expect(first?.headers["x-hub-signature-256"]).toBe(
    `sha256=${createHmac("sha256", webhookSecret)
      .update(first?.body ?? "")
      .digest("hex")}`,
  );
  expect(first?.payload).toMatchObject({ ref: "refs/heads/main", before: "0".repeat(40), after: base, created: true });
  expect(opened?.payload).toMatchObject({
    number: 1,
    pull_request: { head: { sha: head } },
    sender: { login: "robot" },
  });
  expect(pushed?.payload).toMatchObject({
    ref: "refs/heads/change",
    before: head,
    after: next,
    forced: false,
    deleted: false,
    commits: [{ id: next, added: ["svc/link/main.go"], modified: ["cart.ts"], removed: [] }],
    head_commit: { id: next, message: "Change cart.ts, svc/link/main.go" },
    repository: { id: 42, full_name: "acme/shop" },
  });
  expect(synchronize?.payload).toMatchObject({ before: head, after: next, pull_request: { head: { sha: next } } });
});

test("labels come and go, and the webhooks tell which", async () => {
  await openPull();
  const added = await harness.request("POST", `${shop}/issues/1/labels`, { labels: ["preview", "urgent"] });
  expect(added.body).toMatchObject([{ name: "preview" }, { name: "urgent" }]);
  expect((await harness.request("DELETE", `${shop}/issues/1/labels/urgent`)).body).toMatchObject([{ name: "preview" }]);
  const missing = await harness.request("DELETE", `${shop}/issues/1/labels/urgent`);
  expect([missing.status, missing.body["message"]]).toEqual([404, "Label does not exist"]);
  expect((await harness.request("GET", `${shop}/pulls/1`)).body).toMatchObject({ labels: [{ name: "preview" }] });
  await eventually(() =>
    expect(events().slice(3)).toEqual(["pull_request labeled", "pull_request labeled", "pull_request unlabeled"]),
  );
  expect(harness.received.at(-1)?.payload).toMatchObject({ label: { name: "urgent" } });
});

test("a label may hold any character", async () => {
  await openPull();
  const label = "50% ü/%2F";
  await harness.request("POST", `${shop}/issues/1/labels`, [label]);
  const removed = await harness.request("DELETE", `${shop}/issues/1/labels/${encodeURIComponent(label)}`);
  expect([removed.status, removed.body]).toEqual([200, []]);
});

test("a receiver that fails is told again, also after a restart", async () => {
  harness.answers.push(...Array.from({ length: 4 }, () => 503));
  await harness.push("main", { "README.md": "shop" });
  await eventually(() => expect(harness.answers.length).toBeLessThan(4));
  expect(harness.received).toEqual([]);
  await harness.restart();
  await eventually(() => expect(events()).toEqual(["push"]));
});

test("a merge is a commit of two parents on the base, which is pushed, and closes the pull request", async () => {
  const { base, head } = await openPull();
  const stale = await harness.request("PUT", `${shop}/pulls/1/merge`, { sha: base });
  expect([stale.status, stale.body["message"]]).toEqual([
    409,
    "Head branch was modified. Review and try the merge again.",
  ]);
  const { status, body } = await harness.request("PUT", `${shop}/pulls/1/merge`, { sha: head });
  expect([status, body["merged"]]).toEqual([200, true]);
  await harness.git("fetch", "-q", `${harness.gitUrl}/acme/shop.git`, "main");
  expect(await harness.git("log", "-1", "--format=%P|%an|%B", "FETCH_HEAD")).toBe(
    `${base} ${head}|robot|Merge pull request #1 from acme/change\n\nChange`,
  );
  expect((await harness.request("GET", `${shop}/pulls/1`)).body).toMatchObject({
    state: "closed",
    merged: true,
    merged_by: { login: "robot" },
    merge_commit_sha: body["sha"],
  });
  const again = await harness.request("PUT", `${shop}/pulls/1/merge`);
  expect([again.status, again.body["message"]]).toEqual([405, "Pull Request is not mergeable"]);
  await eventually(() => expect(events().slice(3)).toEqual(["pull_request closed", "push"]));
  expect(harness.received.at(-1)?.payload).toMatchObject({ ref: "refs/heads/main", before: base, after: body["sha"] });
});

test("a squash merge is one commit with one parent; conflicts are not merged", async () => {
  const { base } = await openPull();
  const squashed = await harness.request("PUT", `${shop}/pulls/1/merge`, { merge_method: "squash" });
  await harness.git("fetch", "-q", `${harness.gitUrl}/acme/shop.git`, "main");
  expect(await harness.git("log", "-1", "--format=%H %P %s", "FETCH_HEAD")).toBe(
    `${String(squashed.body["sha"])} ${base} Change (#1)`,
  );
  await harness.git("checkout", "-q", "-b", "conflict", base);
  await harness.push("conflict", { "cart.ts": "other" });
  await harness.request("POST", `${shop}/pulls`, { title: "Conflict", head: "conflict", base: "main" });
  expect((await harness.request("GET", `${shop}/pulls/2`)).body).toMatchObject({ mergeable: false });
  expect((await harness.request("PUT", `${shop}/pulls/2/merge`)).status).toBe(405);
});

test("a pull request whose commits reach the base by a push is merged, one whose branch goes is closed", async () => {
  const { head } = await openPull();
  await harness.push("gone", { "gone.ts": "1" });
  await harness.request("POST", `${shop}/pulls`, { title: "Gone", head: "gone", base: "main" });
  const url = urlWithToken(harness.gitUrl, "acme/shop");
  await harness.git("push", "-q", url, ":gone");
  await harness.git("push", "-q", url, "change:main");
  await eventually(() => expect(events().filter((event) => event === "pull_request closed")).toHaveLength(2));
  expect((await harness.request("GET", `${shop}/pulls/1`)).body).toMatchObject({
    merged: true,
    merge_commit_sha: head,
  });
  expect((await harness.request("GET", `${shop}/pulls/2`)).body).toMatchObject({ merged: false, state: "closed" });
  const reopened = await harness.request("PATCH", `${shop}/pulls/2`, { state: "open" });
  expect(reopened.status).toBe(422);
});

test("a pull request may be closed and opened again", async () => {
  await openPull();
  await harness.request("PATCH", `${shop}/pulls/1`, { state: "closed", title: "Changed" });
  expect((await harness.request("PATCH", `${shop}/pulls/1`, { state: "open" })).body).toMatchObject({
    state: "open",
    title: "Changed",
    closed_at: null,
  });
  await eventually(() => expect(events().slice(3)).toEqual(["pull_request closed", "pull_request reopened"]));
});

test("a fork's pull request has its commits in the base repository, and a rewritten branch moves them", async () => {
  await harness.push("main", { "README.md": "shop" });
  const fork = await harness.request("POST", `${shop}/forks`, {}, strangerToken);
  expect([fork.status, fork.body["full_name"], fork.body["fork"]]).toEqual([202, "someone/shop", true]);
  const head = await harness.push("idea", { "idea.ts": "1" }, "someone/shop");
  const wanted = { title: "Idea", head: "someone:idea", base: "main" };
  const made = await harness.request("POST", `${shop}/pulls`, wanted, strangerToken);
  expect(made.body).toMatchObject({
    user: { login: "someone" },
    head: { label: "someone:idea", sha: head, repo: { full_name: "someone/shop", fork: true } },
    base: { repo: { full_name: "acme/shop" } },
  });
  await harness.git("commit", "-q", "--amend", "-m", "Better");
  await harness.git("push", "-q", "--force", urlWithToken(harness.gitUrl, "someone/shop"), "idea");
  const better = await harness.git("rev-parse", "HEAD");
  // The fork's own pushes are none of the base repository's.
  await eventually(() => expect(events()).toEqual(["push", "pull_request opened", "pull_request synchronize"]));
  expect(await harness.git("ls-remote", `${harness.gitUrl}/acme/shop.git`, "refs/pull/1/head")).toContain(better);
  expect((await harness.request("PUT", `${shop}/pulls/1/merge`, {}, strangerToken)).status).toBe(403);
  expect((await harness.request("PUT", `${shop}/pulls/1/merge`, {})).status).toBe(200);
});

test("statuses: the newest of each context counts, and bad news outweighs good", async () => {
  const { head } = await openPull();
  const set = (state: string, context: string) =>
    harness.request("POST", `${shop}/statuses/${head}`, { state, context, target_url: "http://ci.test/1" });
  const combined = async () => (await harness.request("GET", `${shop}/commits/change/status`)).body;
  expect(await combined()).toMatchObject({ state: "pending", total_count: 0, sha: head });
  await set("pending", "ci/circleci: delivery");
  await set("success", "ci/circleci: other");
  expect(await combined()).toMatchObject({ state: "pending", total_count: 2 });
  await set("failure", "ci/circleci: delivery");
  expect(await combined()).toMatchObject({ state: "failure" });
  await set("success", "ci/circleci: delivery");
  expect(await combined()).toMatchObject({ state: "success", total_count: 2 });
  const { body } = await harness.request("GET", `${shop}/commits/${head}/statuses`);
  expect(body.map(({ state }) => state)).toEqual(["success", "failure", "success", "pending"]);
  const unknown = await harness.request("POST", `${shop}/statuses/${"1".repeat(40)}`, { state: "success" });
  expect([unknown.status, unknown.body["message"]]).toEqual([422, `No commit found for SHA: ${"1".repeat(40)}`]);
  const wrong = await set("fine", "x");
  expect(wrong.body).toMatchObject({ errors: [{ resource: "Status", field: "state", code: "invalid" }] });
});

test("a commit knows its pull requests", async () => {
  const { base, head } = await openPull();
  const numbers = async (sha: string) =>
    (await harness.request("GET", `${shop}/commits/${sha}/pulls`)).body.map(({ number }) => number);
  expect(await numbers(head)).toEqual([1]);
  expect(await numbers(base)).toEqual([]);
  expect((await harness.request("GET", `${shop}/commits/change`)).body).toMatchObject({
    sha: head,
    commit: { message: "Change cart.ts" },
    parents: [{ sha: base }],
  });
});

test("comments have authors, who alone may change them unless one may write to the repository", async () => {
  await openPull();
  const made = await harness.request("POST", `${shop}/issues/1/comments`, { body: "hello" });
  expect(made.body).toMatchObject({ body: "hello", user: { login: "robot", type: "User" } });
  const path = `${shop}/issues/comments/${String(made.body["id"])}`;
  expect((await harness.request("PATCH", path, { body: "mine" }, strangerToken)).status).toBe(403);
  expect((await harness.request("PATCH", path, { body: "better" })).body).toMatchObject({ body: "better" });
  await harness.request("POST", `${shop}/issues/1/comments`, { body: "I, too" }, strangerToken);
  const { body } = await harness.request("GET", `${shop}/issues/1/comments`, undefined, "");
  expect(body.map((comment) => comment["body"])).toEqual(["better", "I, too"]);
  const long = await harness.request("POST", `${shop}/issues/1/comments`, { body: "x".repeat(65_537) });
  expect(long.body).toMatchObject({ errors: [{ message: "body is too long (maximum is 65536 characters)" }] });
  expect((await harness.request("DELETE", path)).status).toBe(204);
  expect((await harness.request("GET", path)).status).toBe(404);
});

test("a pull request's address shows it to people", async () => {
  await openPull();
  await harness.request("POST", `${shop}/issues/1/comments`, { body: "hello" });
  const page = await fetch(`${harness.api}/acme/shop/pull/1`);
  expect(page.headers.get("content-type")).toContain("text/plain");
  expect(await page.text()).toMatch(/^Change \(acme\/shop#1, open\)\n.*\n\n--- robot, .*\n\nhello\n$/s);
});

test("everybody reads a public repository, nobody writes to it without a token", async () => {
  await harness.push("main", { "README.md": "shop" });
  const open = `${harness.gitUrl}/acme/shop.git`;
  expect(await harness.git("ls-remote", open, "refs/heads/main")).toContain("refs/heads/main");
  await expect(harness.git("push", "-q", open, "main:other")).rejects.toThrow(
    /could not read Username|terminal prompts/,
  );
  await expect(harness.git("ls-remote", `${harness.gitUrl}/secret.git`)).rejects.toThrow(
    /could not read Username|terminal/,
  );
  await harness.push("change", { "cart.ts": "1" });
  await harness.git("commit", "-q", "--amend", "-m", "other");
  const url = urlWithToken(harness.gitUrl, "acme/shop");
  await harness.git("push", "-q", "--force", url, "change");
  await harness.git("checkout", "-q", "main");
  await harness.git("commit", "-q", "--amend", "-m", "other");
  await expect(harness.git("push", "-q", "--force", url, "main")).rejects.toThrow(/may not be rewritten/);
  await expect(harness.git("push", "-q", url, ":main")).rejects.toThrow(/refusing to delete|may not be deleted|deny/i);
});
