import { afterAll, beforeAll, expect, test } from "vitest";
import { command as tag } from "../../../../cli/commands/tag.ts";
import { openDeliveredShop, type DeliveredShop } from "../../../support/delivered-shop.ts";
import { strangerToken } from "../../../support/github-harness.ts";

const program = process.cwd();
let shop: DeliveredShop;
let begin: string;
let feature: string;
let stable: string;

const tags = async (): Promise<Record<string, string>> => {
  const lines = (await shop.github.git("ls-remote", "--tags", "origin")).split("\n").filter(Boolean);
  return Object.fromEntries(lines.map((line) => line.split("\trefs/tags/").toReversed()));
};
const run = (...args: string[]) => shop.run(tag, ["--env", "prod", ...args]);

beforeAll(async () => {
  shop = await openDeliveredShop();
  process.chdir(shop.root);
  begin = await shop.github.git("rev-parse", "HEAD");
});
afterAll(async () => {
  process.chdir(program);
  await shop[Symbol.asyncDispose]();
});

test("is refused where the stack file does not want versions", async () => {
  expect((await run()).error).toMatch(/Pulumi\.prod\.yaml: github\.versionTags is not set/);
  shop.declare("prod", {
    promotion: { from: "staging" },
    github: { repository: "acme/shop", api: shop.github.api, versionTags: true },
  });
});

test("the first version of what runs, and none of what does not", async () => {
  shop.release("prod", "link", "1", begin);
  const { output } = await run();
  expect(output).toBe(`link: link/v0.1.0 is made at ${begin.slice(0, 12)}\nuser: no version: nothing of it runs yet`);
  expect(await tags()).toEqual({ "link/v0.1.0": begin });
});

test("twice is once, and a commit that changes nothing of it makes no version", async () => {
  expect((await run("--service", "link")).output).toBe(`link: link/v0.1.0 is at ${begin.slice(0, 12)}`);
  const other = await shop.commit("feat: User", { "svc/user_service/page.txt": "2\n" });
  shop.release("prod", "link", "2", other);
  expect((await run("--service", "link")).output).toBe("link: no version: nothing of it has changed since link/v0.1.0");
  expect(await tags()).toEqual({ "link/v0.1.0": begin });
});

test("the next version counts what concerns the service", async () => {
  feature = await shop.commit("feat: Link", { "svc/link_service/page.txt": "2\n" });
  await shop.commit("fix!: User", { "svc/user_service/page.txt": "3\n" });
  const fix = await shop.commit("fix: Link", { "svc/link_service/page.txt": "3\n" });
  shop.release("prod", "link", "3", fix);
  expect((await run("--service", "link")).output).toBe(`link: link/v0.2.0 is made at ${fix.slice(0, 12)}`);
});

test("what is older than a version gets none, and no tag is moved by a rollback", async () => {
  const before = await tags();
  shop.release("prod", "link", "2", feature);
  expect((await run("--service", "link")).output).toBe("link: no version: it is older than link/v0.2.0");
  shop.release("prod", "link", "1", begin);
  expect((await run("--service", "link")).output).toBe(`link: link/v0.1.0 is at ${begin.slice(0, 12)}`);
  expect(await tags()).toEqual(before);
});

test("a person's tag counts, also an annotated one, and from 1.0.0 on a breaking change raises the first number", async () => {
  stable = await shop.commit("fix: Link", { "svc/link_service/page.txt": "4\n" });
  await shop.github.git("tag", "-a", "-m", "stable", "link/v1.0.0", stable);
  await shop.github.git("tag", "link/v9.0.0-rc.1", stable);
  await shop.github.git("push", "-q", "origin", "link/v1.0.0", "link/v9.0.0-rc.1");
  shop.release("prod", "link", "4", stable);
  expect((await run("--service", "link")).output).toBe(`link: link/v1.0.0 is at ${stable.slice(0, 12)}`);
  const breaking = await shop.commit("feat(api)!: Link", { "svc/link_service/page.txt": "5\n" });
  shop.release("prod", "link", "5", breaking);
  expect(JSON.parse((await run("--service", "link", "--json")).output)).toEqual({
    environment: "prod",
    versions: [{ service: "link", tag: "link/v2.0.0", commit: breaking, created: true, reason: null }],
  });
});

test("where Git has no login any more, tags are read by GitHub's API, annotated ones among them", async () => {
  const address = await shop.github.git("remote", "get-url", "origin");
  await shop.github.git("remote", "set-url", "origin", `${shop.github.gitUrl}/acme/none.git`);
  const answer = await run("--service", "link", "--json");
  shop.release("prod", "link", "4", stable);
  const again = await run("--service", "link");
  await shop.github.git("remote", "set-url", "origin", address);
  expect(JSON.parse(answer.output)).toMatchObject({ versions: [{ tag: "link/v2.0.0", created: false }] });
  expect(again.output).toBe(`link: link/v1.0.0 is at ${stable.slice(0, 12)}`);
});

test("what has yet to prove itself, or has failed to, gets no version", async () => {
  const later = await shop.commit("feat: Link", { "svc/link_service/page.txt": "6\n" });
  const before = await tags();
  for (const [state, reason] of [
    ["pending", "it has yet to prove itself"],
    ["failed", "it has not proved itself"],
  ] as const) {
    const verdict = { at: "2026-11-30T12:00:00.000Z", evidence: "answers 500" };
    shop.release("prod", "link", "6", later, state === "pending" ? { state } : { state, ...verdict });
    expect((await run("--service", "link")).output).toBe(`link: no version: ${reason}`);
  }
  expect(await tags()).toEqual(before);
});

test("whoever may not write to the monorepo is told so", async () => {
  shop.release("prod", "user", "1", begin);
  const environment = { PATH: process.env["PATH"], DELIVERY_GITHUB_TOKEN: strangerToken };
  const { error } = await shop.run(tag, ["--env", "prod"], { environment });
  expect(error).toMatch(/GitHub refuses to make tags\/user\/v0\.1\.0 of acme\/shop \(403/);
  expect(Object.keys(await tags())).not.toContain("user/v0.1.0");
});
