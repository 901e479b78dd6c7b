import { createHmac, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { command as promote } from "../../../../cli/commands/promote.ts";
import { command as release } from "../../../../cli/commands/release.ts";
import { command as serve } from "../../../../cli/commands/serve.ts";
import { openDeliveredShop, type DeliveredShop } from "../../../support/delivered-shop.ts";
import { botToken, memberToken, strangerToken, urlWithToken, writeToken } from "../../../support/github-harness.ts";

const program = process.cwd();
const secret = "signs-webhooks";
const longSecret = `${secret}-and-is-long-enough`;
let shop: DeliveredShop;
let begin: string;
let commands: Record<string, unknown>;

/** The receiver, which tests stop and start. */
interface Running {
  readonly url: string;
  readonly log: string[];
  readonly stop: () => Promise<void>;
}
let running: Running;

async function start(environment: Readonly<Record<string, string>> = {}): Promise<Running> {
  const log: string[] = [];
  const abort = new AbortController();
  const listening = Promise.withResolvers<string>();
  const ended = serve.run(["--env", "dev", "--listen", "127.0.0.1:0", "--unverified", "--sweep", "1h"], {
    environment: {
      PATH: process.env["PATH"],
      DELIVERY_GITHUB_TOKEN: writeToken,
      DELIVERY_WEBHOOK_SECRET: longSecret,
      ...environment,
    },
    print: (line) => listening.resolve(line),
    note: (line) => log.push(line),
    input: async () => "",
    signal: abort.signal,
  });
  ended.catch((error: unknown) => listening.reject(error));
  const [url = ""] = (await listening.promise).split(" ");
  shop.github.forwarding.to = url;
  return {
    url,
    log,
    stop: async () => {
      abort.abort();
      await ended;
    },
  };
}

beforeAll(async () => {
  shop = await openDeliveredShop({ webhookSecret: longSecret });
  process.chdir(shop.root);
  commands = { github: { repository: "acme/shop", api: shop.github.api, commands: true } };
  shop.declare("staging", { promotion: { from: "dev", holds: true }, ...commands });
  shop.declare("prod", { promotion: { from: "staging", approval: true }, ...commands });
  // Of another app, as the sandbox's own is: it is none of this one's.
  const other = { app: { name: "other", directory: "elsewhere" }, github: { repository: "acme/other" } };
  shop.declare("sandbox", other);
  begin = await shop.commit("Let comments command", {});
  for (const environment of ["dev", "staging", "prod"])
    for (const service of ["link", "user"]) shop.release(environment, service, "1", begin);
});
afterAll(async () => {
  process.chdir(program);
  await shop[Symbol.asyncDispose]();
});
beforeEach(async () => {
  running = await start();
});
afterEach(() => running.stop());

/** Comments on a pull request. @returns the comment's id */
async function say(number: number, body: string, token = memberToken, repository = "acme/shop"): Promise<number> {
  const answer = await shop.github.request("POST", `/repos/${repository}/issues/${number}/comments`, { body }, token);
  expect(answer.status).toBe(201);
  return Number(answer.body["id"]);
}

async function commentsOf(
  number: number,
  repository = "acme/shop",
): Promise<readonly { body: string; user: string }[]> {
  const { body } = await shop.github.request("GET", `/repos/${repository}/issues/${number}/comments?per_page=100`);
  return (body as unknown as { body: string; user: { login: string } }[]).map((one) => ({
    body: one.body,
    user: one.user.login,
  }));
}

/** The answer to a comment, once it is there: all below its marker. */
async function answerTo(number: number, id: number, repository = "acme/shop"): Promise<string> {
  return vi.waitFor(
    async () => {
      const own = (await commentsOf(number, repository)).filter(
        ({ body, user }) => user === "robot" && body.includes("## Commands"),
      );
      expect(own).toHaveLength(1);
      const [, entry] = (own[0]?.body ?? "").split(`<!-- delivery:command ${id} -->`);
      expect(entry).toBeDefined();
      return (entry ?? "").split("<!--  delivery:command")[0]?.split("<!-- delivery:command")[0] ?? "";
    },
    { timeout: 20_000, interval: 50 },
  );
}

async function reactions(id: number, repository = "acme/shop"): Promise<string[]> {
  return vi.waitFor(
    async () => {
      const { body } = await shop.github.request("GET", `/repos/${repository}/issues/comments/${id}/reactions`);
      const found = (body as unknown as { content: string; user: { login: string } }[]).map(
        ({ content, user }) => `${user.login} ${content}`,
      );
      expect(found).not.toEqual([]);
      return found;
    },
    { timeout: 10_000, interval: 50 },
  );
}

/** A pull request that changes a service; the checkout stays on `main`. */
async function open(branch: string, content: string, service = "link"): Promise<{ number: number; sha: string }> {
  await shop.github.git("checkout", "-q", "-b", branch);
  const sha = await shop.commit(`feat: ${branch}`, { [`svc/${service}_service/page.txt`]: content });
  await shop.github.git("checkout", "-q", "main");
  const opened = await shop.github.request("POST", "/repos/acme/shop/pulls", {
    title: branch,
    head: branch,
    base: "main",
  });
  return { number: Number(opened.body["number"]), sha };
}

/** Merges it, and releases what it has made in `dev`. */
async function merge(number: number, digit: string, service = "link"): Promise<string> {
  const merged = await shop.github.request("PUT", `/repos/acme/shop/pulls/${number}/merge`, {});
  await shop.github.git("pull", "-q", "origin", "main");
  const sha = String(merged.body["sha"]);
  shop.release("dev", service, digit, sha);
  return sha;
}

const digestOf = (environment: string, service: string): string | undefined =>
  /digest: "?sha256:(.)/.exec(shop.deploy.files()[`${environment}/${service}/release/kustomization.yaml`] ?? "")?.[1];
const subjects = (): readonly string[] => shop.deploy.subjects();

describe("on a merged pull request", () => {
  let number: number;
  beforeAll(async () => {
    ({ number } = await open("greeting", "Hello.\n"));
  });

  test("a promotion before it is merged is refused, and nothing happens", async () => {
    const id = await say(number, "/delivery promote staging");
    expect(await answerTo(number, id)).toContain(
      "✗ <code>/delivery promote staging</code>: the pull request is not merged",
    );
    expect(await reactions(id)).toEqual(["robot -1"]);
    expect(digestOf("staging", "link")).toBe("1");
  });

  test("promotes what it concerns, once, by a commit that says who asked and where; sent twice is once", async () => {
    await merge(number, "2");
    const before = subjects().length;
    const id = await say(number, "Go.\n\n/delivery promote staging");
    expect(await answerTo(number, id)).toMatch(
      /✓ <code>\/delivery promote staging<\/code>: link: done by [0-9a-f]{7} of/,
    );
    expect(await reactions(id)).toEqual(["robot +1"]);
    expect(digestOf("staging", "link")).toBe("2");
    const message = shop.deploy.git("log", "-1", "--format=%B");
    expect(message).toContain("Requested-By: ada\n");
    expect(message).toMatch(
      new RegExp(`Requested-In: http://github\\.test/acme/shop/pull/${number}#issuecomment-${id}$`),
    );
    const heard = shop.github.received.find(
      ({ event, payload }) => event === "issue_comment" && JSON.stringify(payload).includes(`issuecomment-${id}"`),
    );
    // The same delivery, and one of another name, as whoever has seen the first could send it.
    const headers = heard?.headers ?? {};
    for (const delivery of [headers["x-github-delivery"], randomUUID()])
      expect((await post(heard?.body ?? "", { ...headers, "x-github-delivery": delivery })).status).toBe(202);
    const next = await say(number, "/delivery promote nowhere");
    expect(await answerTo(number, next)).toContain("there is no environment nowhere; there are dev, staging, prod");
    expect(subjects()).toHaveLength(before + 1);
    expect(running.log.join("\n")).toMatch(new RegExp(`comment ${id} of ada: is answered already`));
  });

  test("rolls back once: the same comment again does not take the rollback back, nor does another one", async () => {
    const id = await say(number, "/delivery rollback staging link");
    expect(await answerTo(number, id)).toContain("✓");
    expect(digestOf("staging", "link")).toBe("1");
    const again = await say(number, "/delivery rollback staging link");
    expect(await answerTo(number, again)).toContain("staging does not run it in link any more");
    const other = await say(number, "/delivery rollback staging user");
    expect(await answerTo(number, other)).toContain("the pull request does not concern user: it concerns link");
    expect(digestOf("staging", "link")).toBe("1");
  });

  test("jobs do not run again, and environments that do not take commands stay as they are", async () => {
    const id = await say(number, "/delivery retest\n/delivery rollback dev link");
    const answer = await answerTo(number, id);
    expect(answer).toContain("the pull request is merged: there is nothing to do any more");
    expect(answer).toContain("comments do not change what dev runs; github.commands of stacks/Pulumi.dev.yaml");
    expect(digestOf("dev", "link")).toBe("2");
  });

  test("where a person must approve, it opens the pull request, whose approval is another comment", async () => {
    shop.release("staging", "link", "2", await shop.github.git("rev-parse", "main"));
    const id = await say(number, "/delivery promote prod");
    const answer = await answerTo(number, id);
    expect(answer).toContain("is to be approved");
    const { body } = await shop.github.request("GET", "/repos/acme/deploy/pulls");
    const [pull] = body as unknown as { number: number; head: { sha: string } }[];
    const promotion = pull?.number ?? 0;
    expect(digestOf("prod", "link")).toBe("1");

    const held = await say(promotion, "/delivery hold\n/delivery approve", memberToken, "acme/deploy");
    expect(await answerTo(promotion, held, "acme/deploy")).toContain(
      "✗ <code>/delivery approve</code>: the pull request is on hold",
    );
    const other = await say(promotion, `/delivery unhold\n/delivery approve ${begin}`, memberToken, "acme/deploy");
    expect(await answerTo(promotion, other, "acme/deploy")).toContain(`, and not at ${begin}`);
    expect(digestOf("prod", "link")).toBe("1");

    const approved = await say(
      promotion,
      `/delivery approve ${pull?.head.sha.slice(0, 9)}`,
      memberToken,
      "acme/deploy",
    );
    expect(await answerTo(promotion, approved, "acme/deploy")).toContain("is merged, by");
    expect(digestOf("prod", "link")).toBe("2");
    expect(shop.deploy.git("log", "-1", "--format=%B")).toMatch(/Approved-By: ada\nApproved-In: http.*issuecomment-/);
    expect(shop.deploy.git("log", "-1", "--format=%B", "HEAD^2")).toContain("Requested-By: ada");
  });
});

test("each line of a comment is carried out, and none is taken for another one that the same comment has", async () => {
  await shop.github.git("checkout", "-q", "-b", "both");
  await shop.commit("feat: both", { "svc/link_service/page.txt": "Both.\n", "svc/user_service/page.txt": "Both.\n" });
  await shop.github.git("checkout", "-q", "main");
  const pull = { title: "both", head: "both", base: "main" };
  const number = Number((await shop.github.request("POST", "/repos/acme/shop/pulls", pull)).body["number"]);
  for (const service of ["link", "user"]) shop.release("staging", service, "1", begin);
  const sha = await merge(number, "3");
  shop.release("dev", "user", "3", sha);
  const id = await say(
    number,
    "/delivery promote staging\n/delivery rollback staging link\n/delivery rollback staging user",
  );
  expect((await answerTo(number, id)).match(/✓ .*(link|user): done by/g)).toHaveLength(3);
  expect([digestOf("staging", "link"), digestOf("staging", "user")]).toEqual(["1", "1"]);
});

test("an approval is of the commit that was there when it was asked for, however long it waits for others", async () => {
  const { number } = await open("waits", "Waits.\n");
  await merge(number, "4");
  const gate = join(shop.root, "..", "gate");
  shop.declare("staging", {
    promotion: { from: "dev", holds: true, test: `until [ -e ${gate} ]; do sleep 0.1; done` },
    ...commands,
  });
  const url = urlWithToken(shop.github.gitUrl, "acme/deploy");
  await shop.github.git("fetch", "-q", url, "main");
  const base = await shop.github.git("rev-parse", "FETCH_HEAD");
  const push = async (parent: string): Promise<string> => {
    const sha = await shop.github.git("commit-tree", `${base}^{tree}`, "-p", parent, "-m", "Promotion");
    await shop.github.git("push", "-q", url, `${sha}:refs/heads/promote/prod-waits`);
    return sha;
  };
  const seen = await push(base);
  const pull = { title: "Promotion", head: "promote/prod-waits", base: "main" };
  const promotion = Number((await shop.github.request("POST", "/repos/acme/deploy/pulls", pull)).body["number"]);
  const first = await say(number, "/delivery promote staging");
  const id = await say(promotion, "/delivery approve", memberToken, "acme/deploy");
  await vi.waitFor(() => expect(running.log.join("\n")).toContain(`waits for those before it; it is about ${seen}`), {
    timeout: 30_000,
  });
  const later = await push(seen);
  writeFileSync(gate, "");
  expect(await answerTo(number, first)).toContain("link: done by");
  expect(await answerTo(promotion, id, "acme/deploy")).toContain(`is at ${later} by now, and not at ${seen}`);
  shop.declare("staging", { promotion: { from: "dev", holds: true }, ...commands });
});

describe("who may not", () => {
  let number: number;
  beforeAll(async () => {
    ({ number } = await open("others", "Others.\n", "user"));
  });

  test("is told so, and nothing happens", async () => {
    const id = await say(number, "/delivery hold", strangerToken);
    expect(await answerTo(number, id)).toContain("only who may write to acme/shop gives commands here");
    expect(await reactions(id)).toEqual(["robot -1"]);
    const { body } = await shop.github.request("GET", `/repos/acme/shop/pulls/${number}`);
    expect(body["labels"]).toEqual([]);
  });

  test("a bot is not answered, nor this program's own comments, nor talk", async () => {
    await say(number, "/delivery hold", botToken);
    await say(number, "/delivery hold", writeToken);
    await say(number, "Should we /delivery hold?");
    const id = await say(number, "/delivery what");
    expect(await answerTo(number, id)).toContain("there is no such command");
    const own = (await commentsOf(number)).find(({ body, user }) => user === "robot" && body.includes("## Commands"));
    expect(own?.body.match(/<!-- delivery:command \d+ -->/g)).toHaveLength(2);
  });

  test("a webhook that GitHub has not sent is refused; an old one is of no use", async () => {
    const comment = {
      id: 987_654,
      html_url: `http://github.test/acme/shop/pull/${number}#issuecomment-987654`,
      issue_url: `http://github.test/repos/acme/shop/issues/${number}`,
      body: "/delivery hold",
      user: { login: "ada", type: "User" },
      created_at: new Date(Date.now() - 2 * 3_600_000).toISOString(),
      updated_at: new Date().toISOString(),
    };
    const body = JSON.stringify({ action: "created", comment, repository: { full_name: "acme/shop" } });
    const headers = { "x-github-event": "issue_comment", "x-github-delivery": randomUUID() };
    const signed = { ...headers, "x-hub-signature-256": signature(body) };
    expect((await post(body, headers)).status).toBe(401);
    expect((await post(body, { ...headers, "x-hub-signature-256": signature(`${body} `) })).status).toBe(401);
    expect((await post(body, { ...headers, "x-hub-signature-256": signature(body, "another secret") })).status).toBe(
      401,
    );
    expect((await post(body, { ...signed, "x-github-delivery": undefined })).status).toBe(400);
    expect((await post("payload=x", { ...signed, "x-hub-signature-256": signature("payload=x") })).status).toBe(415);
    expect((await post("x".repeat(1024 * 1024 + 1), signed)).status).toBe(413);
    expect((await fetch(running.url)).status).toBe(405);
    expect((await fetch(running.url.replace("/webhook", "/"))).status).toBe(404);
    expect(await (await fetch(running.url.replace("/webhook", "/healthz"))).text()).toBe("ok\n");
    expect(await post(body, signed)).toMatchObject({ status: 202 });
    expect(await (await post(body, signed)).text()).toBe("is taken already\n");
    await vi.waitFor(() => expect(running.log.join("\n")).toContain("comment 987654 of ada: is too old"), {
      timeout: 30_000,
    });
    expect(running.log.join("\n")).not.toContain(longSecret);
  });
});

describe("hold", () => {
  test("labels it and shows it, and what is held stays out of an environment that respects that", async () => {
    const { number, sha } = await open("held", "Held.\n");
    const id = await say(number, "/delivery hold");
    expect(await answerTo(number, id)).toMatch(
      /it is on hold from [0-9a-f]{7} on, as its next pipeline will say: none could be/,
    );
    const status = async () => (await shop.github.request("GET", `/repos/acme/shop/commits/${sha}/status`)).body;
    expect(await status()).toMatchObject({
      state: "failure",
      statuses: [{ context: "delivery/hold", description: "On hold: ada" }],
    });
    const mergeCommit = await merge(number, "5");
    const promoteNow = () => shop.run(promote, ["--to", "staging", "--service", "link", "--unverified"]);
    expect((await promoteNow()).error).toMatch(
      new RegExp(
        `✗ hold  0 of 1 digests have nothing in them that is on hold\n +link: has pull request #${number} in it`,
      ),
    );
    const refused = await say(number, "/delivery promote staging");
    expect(await answerTo(number, refused)).toContain("the pull request is on hold (label delivery/hold)");
    // Another service is not concerned.
    shop.release("dev", "user", "5", mergeCommit);
    expect((await shop.run(promote, ["--to", "staging", "--service", "user", "--unverified"])).error).toBe("");
    const free = await say(number, "/delivery unhold\n/delivery promote staging");
    expect(await answerTo(number, free)).toMatch(/no longer on hold\n.*link: done by/);
    expect(await status()).toMatchObject({ state: "success" });
    expect(digestOf("staging", "link")).toBe("5");
  });

  test("what waits for a window, and is put on hold meanwhile, keeps waiting", async () => {
    const { number } = await open("waiting", "Waiting.\n");
    await merge(number, "8");
    const freeze = (until: string) => ({ freeze: { reason: "Christmas", until } });
    const holds = { promotion: { from: "dev", holds: true }, ...commands };
    const released = () => shop.run(release, ["--env", "staging", "--waiting", "--unverified"]);
    shop.declare("staging", { ...holds, ...freeze("2999-12-27T12:00:00Z") });
    const promoted = await shop.run(promote, ["--to", "staging", "--service", "link", "--unverified"]);
    expect(promoted).toMatchObject({ output: expect.stringMatching(/^staging: link .* waits until/), error: "" });
    const before = digestOf("staging", "link");
    const held = await say(number, "/delivery hold");
    expect(await answerTo(number, held)).toContain("on hold from");
    shop.declare("staging", { ...holds, ...freeze("2001-12-27T12:00:00Z") });
    expect(await released()).toMatchObject({
      output: "staging: nothing that waits may be released",
      notes: expect.stringContaining(`link keeps waiting: it has pull request #${number} in it, which is on hold`),
    });
    expect(digestOf("staging", "link")).toBe(before);
    const free = await say(number, "/delivery unhold");
    expect(await answerTo(number, free)).toContain("no longer on hold");
    expect((await released()).error).toBe("");
    expect(digestOf("staging", "link")).toBe("8");
    shop.declare("staging", holds);
    shop.release("staging", "link", "5", begin);
    shop.release("dev", "link", "5", begin);
  });

  test("what cannot be told does not pass", async () => {
    shop.release("dev", "link", "6", begin);
    const environment = { PATH: process.env["PATH"], DELIVERY_GITHUB_TOKEN: "wrong" };
    const { error } = await shop.run(promote, ["--to", "staging", "--service", "link", "--unverified"], {
      environment,
    });
    expect(error).toMatch(
      /✗ hold {2}what is on hold is not known: GitHub refuses .*DELIVERY_GITHUB_TOKEN is not valid/,
    );
    shop.release("dev", "link", "5", begin);
  });
});

test("where Tekton runs the pipeline, a pull request is labelled, and told how it runs again", async () => {
  const { number } = await open("tekton", "By Tekton.\n");
  shop.declare("dev", {
    ...commands,
    ci: { engine: "tekton" },
    gitops: { repository: `${shop.github.gitUrl}/acme/deploy.git`, previews: { label: "please" } },
  });
  try {
    const id = await say(number, "/delivery preview\n/delivery retest");
    const answer = await answerTo(number, id);
    expect(answer).toContain(
      "it is labelled please, and the next push makes its environment; for what it has now, comment /test",
    );
    expect(answer).toContain("and ci.engine is tekton: comment /test, which Pipelines-as-Code reads");
    const { body } = await shop.github.request("GET", `/repos/acme/shop/issues/${number}/labels`);
    expect(body).toMatchObject([{ name: "please" }]);
  } finally {
    shop.declare("dev");
  }
});

test("ok-to-test puts the one commit of a fork on a branch of its own, until the pull request is closed", async () => {
  const { github } = shop;
  await github.request("POST", "/repos/acme/shop/forks", {}, strangerToken);
  await github.git("checkout", "-q", "-b", "theirs");
  const push = async (content: string): Promise<string> => {
    const sha = await github.push("theirs", { "svc/user_service/page.txt": content }, "someone/shop");
    await github.git("checkout", "-q", "theirs");
    return sha;
  };
  const first = await push("Theirs.\n");
  const opened = await github.request(
    "POST",
    "/repos/acme/shop/pulls",
    { title: "Theirs", head: "someone:theirs", base: "main" },
    strangerToken,
  );
  const number = Number(opened.body["number"]);
  const branches = async () => github.git("ls-remote", "--heads", "origin", "ok-to-test/*");
  const vain = await say(number, `/delivery ok-to-test ${begin}\n/delivery preview`);
  expect(await answerTo(number, vain)).toMatch(/and not at .*\n.*no stack file has gitops\.previews/);
  expect(await branches()).toBe("");
  for (const [engine, instead] of [
    ["tekton", "comment /ok-to-test, which Pipelines-as-Code reads"],
    ["travis", "Travis CI runs pull requests of forks by itself"],
  ] as const) {
    shop.declare("dev", { ...commands, ci: { engine } });
    const elsewhere = await say(number, `/delivery ok-to-test ${first}`);
    expect(await answerTo(number, elsewhere)).toContain(
      `ci.engine is ${engine}, which runs nothing at a branch of its own: ${instead}`,
    );
    expect(await branches()).toBe("");
  }
  shop.declare("dev");
  const id = await say(number, `/delivery ok-to-test ${first}`);
  expect(await answerTo(number, id)).toContain(`is on branch ok-to-test/pr-${number}-${first.slice(0, 12)}`);
  const later = await push("Something else.\n");
  expect(later).not.toBe(first);
  expect(await branches()).toBe(`${first}\trefs/heads/ok-to-test/pr-${number}-${first.slice(0, 12)}`);
  const stranger = await say(number, `/delivery ok-to-test ${later}`, strangerToken);
  expect(await answerTo(number, stranger)).toContain("only who may write");
  await github.request("PATCH", `/repos/acme/shop/pulls/${number}`, { state: "closed" });
  await vi.waitFor(async () => expect(await branches()).toBe(""), { timeout: 10_000, interval: 50 });
  await github.git("checkout", "-q", "main");
});

describe("what is written while nobody listens", () => {
  let number: number;
  beforeAll(async () => {
    ({ number } = await open("later", "Later.\n"));
    await merge(number, "7");
  });

  test("is answered at the start: once, and not what was changed or deleted since; nor about a commit that is not known", async () => {
    await running.stop();
    shop.github.forwarding.to = "http://127.0.0.1:1/";
    const changed = await say(number, "Well.");
    await shop.github.request(
      "PATCH",
      `/repos/acme/shop/issues/comments/${changed}`,
      { body: "/delivery rollback dev link" },
      memberToken,
    );
    const deleted = await say(number, "/delivery hold");
    await shop.github.request("DELETE", `/repos/acme/shop/issues/comments/${deleted}`, undefined, memberToken);
    const promoted = await say(number, "/delivery promote staging");
    const other = await open("vague", "Vague.\n", "user");
    const vague = await say(other.number, "/delivery retest");
    running = await start();
    expect(await answerTo(number, promoted)).toContain("link: done by");
    expect(await answerTo(number, changed)).toContain(
      "the comment was changed after it was written; write another one",
    );
    expect(await answerTo(other.number, vague)).toMatch(/nobody listened when that was written.*at [0-9a-f]{7} now/);
    const own = (await commentsOf(number)).find(({ user }) => user === "robot");
    expect(own?.body).not.toContain(`delivery:command ${deleted} `);
    const before = subjects().length;
    await running.stop();
    running = await start();
    const last = await say(number, "/delivery promote dev");
    expect(await answerTo(number, last)).toContain("comments do not change what dev runs");
    expect(subjects()).toHaveLength(before);
  });

  test("what was done before the answer was written is not done again", async () => {
    await running.stop();
    shop.github.forwarding.to = "http://127.0.0.1:1/";
    shop.release("staging", "link", "1", begin);
    const id = await say(number, "/delivery promote staging");
    const url = `http://github.test/acme/shop/pull/${number}#issuecomment-${id}`;
    const done = await shop.run(promote, [
      "--to",
      "staging",
      "--service",
      "link",
      "--unverified",
      "--requested-in",
      url,
    ]);
    expect(done.error).toBe("");
    shop.release("staging", "link", "1", begin);
    const before = subjects().length;
    running = await start();
    expect(await answerTo(number, id)).toMatch(/it is done, by [0-9a-f]{7} of the deploy repository/);
    expect(subjects()).toHaveLength(before);
    expect(digestOf("staging", "link")).toBe("1");
  });
});

test.each([
  [{ DELIVERY_WEBHOOK_SECRET: "" }, /DELIVERY_WEBHOOK_SECRET is not set; .*openssl rand/],
  [{ DELIVERY_WEBHOOK_SECRET: "short" }, /DELIVERY_WEBHOOK_SECRET is shorter than 16 characters/],
  [{ DELIVERY_GITHUB_TOKEN: "" }, /DELIVERY_GITHUB_TOKEN is not set/],
])("does not start with %j", async (environment, message) => {
  await expect(start(environment)).rejects.toThrow(message);
});

function signature(body: string, key = longSecret): string {
  return `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;
}

function post(body: string, headers: Readonly<Record<string, string | string[] | undefined>>): Promise<Response> {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || !name.startsWith("x-") ? [] : [[name, String(value)] as const],
  );
  return fetch(running.url, { method: "POST", body, headers: Object.fromEntries(kept) });
}
