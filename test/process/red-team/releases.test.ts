/** Attacks on what is released: digests that no build of the pipeline has made, and approvals of something else. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { command as release } from "../../../cli/commands/release.ts";
import { initialRecord } from "../../../git/release-record.ts";
import { CommandHarness } from "../../support/command-harness.ts";

let harness: CommandHarness;
let digests: string;

beforeEach(async () => {
  harness = await CommandHarness.start();
  digests = join(harness.repository.directory, "digests");
  mkdirSync(digests);
});
afterEach(() => harness[Symbol.asyncDispose]());

const run = (): Promise<string> => harness.run(release, ["--env", "dev", "--digests", digests]);
const handOver = (name: string, content: unknown): void => writeFileSync(join(digests, name), JSON.stringify(content));
const untouched = (): void => {
  expect(harness.repository.subjects()).toEqual(["by hand"]);
  expect([harness.record("dev", "link"), harness.record("dev", "user")]).toEqual([
    initialRecord("link"),
    initialRecord("user"),
  ]);
};

test("a tag that was moved after the build changes nothing: what was built is released", async () => {
  const built = harness.registry.push("acme/shop-link", "0.2.1");
  handOver("link.json", { link: built });
  const moved = harness.registry.push("acme/shop-link", "0.2.1", "2026-02-02T00:00:00Z");
  expect(moved).not.toBe(built);
  await run();
  expect(harness.record("dev", "link")).toBe(harness.pinned("link", built));
});

test("a digest that was forged is not released where the service's own repository does not have it", async () => {
  // It is in the registry, in the repository of somebody else.
  const elsewhere = harness.registry.push("acme/shop-user", "0.2.1");
  handOver("link.json", { link: elsewhere });
  await expect(run()).rejects.toThrow(/the registry does not have .*shop-link@sha256:/);
  untouched();
});

test.each<[what: string, content: unknown, reason: RegExp]>([
  ["a tag", { link: "latest" }, /link: Must be sha256:/],
  ["another image's name", { link: `evil.example/x@sha256:${"1".repeat(64)}` }, /link: Must be sha256:/],
  [
    "more than digests",
    { link: { digest: `sha256:${"1".repeat(64)}`, repository: "evil.example/x" } },
    /link: Invalid input: expected string/,
  ],
  ["a path for a service", { "../../prod/link": `sha256:${"1".repeat(64)}` }, /\.\.\/\.\.\/prod\/link/],
  ["a service that there is not", { evil: `sha256:${"1".repeat(64)}` }, /evil/],
])("a file of digests with %s releases nothing", async (_, content, reason) => {
  handOver("link.json", content);
  await expect(run()).rejects.toThrow(reason);
  untouched();
});

test("a second file for the same service releases nothing, instead of either", async () => {
  handOver("link.json", { link: harness.registry.push("acme/shop-link", "0.2.1") });
  handOver("zz.json", { link: harness.registry.push("acme/shop-link", "0.2.2") });
  await expect(run()).rejects.toThrow(/link is in .* and in /);
  untouched();
});

test("a link in place of a file of digests shows nothing of what it leads to", async () => {
  const secret = join(harness.repository.directory, "secret");
  writeFileSync(secret, "token-of-the-environment");
  symlinkSync(secret, join(digests, "link.json"));
  const error = await run().then(String, String);
  expect(error).toMatch(/link\.json/);
  expect(error).not.toContain("token-of-the-environment");
  untouched();
});
