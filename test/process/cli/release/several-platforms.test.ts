import { afterEach, beforeEach, expect, test } from "vitest";
import { command as promote } from "../../../../cli/commands/promote.ts";
import { command as release } from "../../../../cli/commands/release.ts";
import { command as rollback } from "../../../../cli/commands/rollback.ts";
import { command as watch } from "../../../../cli/commands/watch.ts";
import { CommandHarness } from "../../../support/command-harness.ts";

const platforms = ["linux/amd64", "linux/arm64"];
const repository = "acme/shop-link";

// An image for several platforms is an index: its own digest is the one that is released, promoted and taken back.
let harness: CommandHarness;
const program = process.cwd();
beforeEach(async () => {
  harness = await CommandHarness.start();
  // No stack file declares gates there.
  process.chdir(harness.repository.directory);
});
afterEach(async () => {
  process.chdir(program);
  await harness[Symbol.asyncDispose]();
});

const push = (tag: string, created?: string): string => harness.registry.pushIndex(repository, tag, platforms, created);
const releaseLink = (digest: string): Promise<string> =>
  harness.run(release, ["--env", "dev", "--service", `link=${digest}`]);
const back = (): Promise<string> => harness.run(rollback, ["--env", "dev", "--service", "link"]);

test("it is released and promoted by the digest of its index", async () => {
  const digest = push("0.2.1");
  await releaseLink(digest);
  await harness.run(promote, ["--from", "dev", "--to", "staging"]);
  for (const environment of ["dev", "staging"])
    expect(harness.record(environment, "link")).toBe(harness.pinned("link", digest));
});

test("the watcher takes the index of the newest build, by its number or by when it was built", async () => {
  push("0.2.9");
  const newest = push("0.2.10");
  await harness.run(watch, ["--env", "dev", "--once"]);
  expect(harness.record("dev", "link")).toBe(harness.pinned("link", newest));
  harness.registry.tags.delete(repository);
  const later = push("later", "2026-03-01T00:00:00Z");
  push("earlier", "2026-02-01T00:00:00Z");
  await harness.run(watch, ["--env", "dev", "--once"]);
  expect(harness.record("dev", "link")).toBe(harness.pinned("link", later));
});

test("a rollback needs what the nodes of every platform load, and nothing that is only attested", async () => {
  const good = push("0.2.1");
  await releaseLink(good);
  const bad = push("0.2.2");
  await releaseLink(bad);
  const attested = platforms.length;
  harness.registry.lose(good, "manifest", attested);
  harness.registry.lose(good, "layer", attested + 1);
  await back();
  expect(harness.record("dev", "link")).toBe(harness.pinned("link", good, { digest: bad }));
});

test.each([
  ["manifest", /the registry has lost the manifest sha256:\w+ of \S+@sha256:/],
  ["config", /the registry has lost the blob sha256:/],
  ["layer", /the registry has lost the blob sha256:/],
] as const)("a rollback to one that has lost a %s of its second platform is refused", async (part, message) => {
  const good = push("0.2.1");
  await releaseLink(good);
  const bad = push("0.2.2");
  await releaseLink(bad);
  harness.registry.lose(good, part, 1);
  await expect(back()).rejects.toThrow(message);
  expect(harness.record("dev", "link")).toBe(harness.pinned("link", bad));
});
