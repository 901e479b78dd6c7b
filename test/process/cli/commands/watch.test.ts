import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { command as rollback } from "../../../../cli/commands/rollback.ts";
import { command as watch } from "../../../../cli/commands/watch.ts";
import { initialRecord } from "../../../../git/release-record.ts";
import { CommandHarness } from "../../../support/command-harness.ts";
import { eventually } from "../../../support/eventually.ts";

let harness: CommandHarness;
beforeEach(async () => {
  harness = await CommandHarness.start();
});
afterEach(() => harness[Symbol.asyncDispose]());

const look = (...args: string[]): Promise<string> => harness.run(watch, ["--env", "dev", "--once", ...args]);
const back = (...args: string[]): Promise<string> =>
  harness.run(rollback, ["--env", "dev", "--service", "link", ...args]);
const push = (service: string, tag: string): string => harness.registry.push(`acme/shop-${service}`, tag);
const link = (): string | undefined => harness.record("dev", "link");
const user = (): string | undefined => harness.record("dev", "user");

test("releases the newest build of every service by one commit, and nothing twice", async () => {
  push("link", "0.2.9");
  const [newest, other] = [push("link", "0.2.10"), push("user", "0.2.3")];
  await look();
  expect(link()).toBe(harness.pinned("link", newest));
  expect(user()).toBe(harness.pinned("user", other));
  expect(harness.record("staging", "link")).toBe(initialRecord("link"));
  expect(await look()).toBe("dev: nothing to change");
  expect(harness.repository.subjects()).toHaveLength(2);
});

test("leaves an older build alone that ends later, and takes the stable tag with it", async () => {
  const newest = push("link", "0.2.10");
  await look();
  const late = push("link", "0.2.9");
  harness.registry.tags.get("acme/shop-link")?.set("0.2", late);
  expect(await look()).toBe("dev: nothing to change");
  expect(link()).toBe(harness.pinned("link", newest));
});

describe("leaves a digest alone that a rollback took away", () => {
  test("until there is a newer one", async () => {
    const good = push("link", "0.2.1");
    await look();
    const bad = push("link", "0.2.2");
    await look();
    await back();
    expect(link()).toBe(harness.pinned("link", good, { digest: bad }));
    expect(await look()).toBe("dev: nothing to change");
    const better = push("link", "0.2.3");
    await look();
    expect(link()).toBe(harness.pinned("link", better));
  });

  test("also after a second one to before", async () => {
    const good = push("link", "0.2.1");
    await look();
    const oldest = harness.repository.git("rev-parse", "main");
    push("link", "0.2.2");
    await look();
    const worst = push("link", "0.2.3");
    await look();
    await back();
    await back("--to", oldest);
    expect(await look()).toBe("dev: nothing to change");
    expect(link()).toBe(harness.pinned("link", good, { digest: worst }));
  });
});

describe("a repository that cannot be read", () => {
  beforeEach(() => void harness.registry.closed.add("acme/shop-link"));

  test("does not hold back the others, and a single look fails", async () => {
    const [closed, open] = [push("link", "0.2.1"), push("user", "0.2.1")];
    const host = harness.registry.host;
    const reason = `the images of some services of dev cannot be read:\n  link: the registry does not let us read ${host}/acme/shop-link (401); log in with`;
    await expect(look()).rejects.toThrow(reason);
    expect(user()).toBe(harness.pinned("user", open));
    await expect(look("--json")).rejects.toThrow(reason);
    harness.registry.closed.clear();
    await look();
    expect(link()).toBe(harness.pinned("link", closed));
    expect(harness.repository.subjects()).toHaveLength(3);
  });

  test("is looked at again and again", async () => {
    const [closed, open] = [push("link", "0.2.1"), push("user", "0.2.1")];
    const stop = new AbortController();
    const watching = harness.run(watch, ["--env", "dev", "--interval", "100ms"], { signal: stop.signal });
    await eventually("user is released", async () => user() === harness.pinned("user", open));
    await eventually("the watcher says what it cannot read", async () =>
      harness.notes.some((line) => /^error: the images of some services of dev cannot be read:\n {2}link: /.test(line)),
    );
    harness.registry.closed.clear();
    await eventually("link is released", async () => link() === harness.pinned("link", closed));
    stop.abort();
    await watching;
  });
});

test.each(["1x", "", "10ms", "-5s"])("refuses the interval %j", async (interval) => {
  await expect(harness.run(watch, ["--env", "dev", `--interval=${interval}`])).rejects.toThrow(
    /must be a duration such as 5s/,
  );
});
