import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { registryClient } from "../../../../cli/registry/client.ts";
import { newestImage } from "../../../../cli/registry/newest-image.ts";
import { RegistryStandIn } from "../../../support/registry-stand-in.ts";

test("the newest build is the image built last where no tag has a build number", async () => {
  await using registry = await RegistryStandIn.start();
  registry.push("acme/link", "abc", "2026-01-01T00:00:00Z");
  const newest = registry.push("acme/link", "def", "2026-03-01T00:00:00Z");
  registry.push("acme/link", "ghi", "2026-02-01T00:00:00Z");
  const client = registryClient({ login: async () => undefined });
  expect(await newestImage(client, `${registry.host}/acme/link`, "0.2")).toEqual({ digest: newest });
  expect(await newestImage(client, `${registry.host}/acme/none`, "0.2")).toBeUndefined();
});

describe("of a repository without build numbers", () => {
  const signature = `sha256-${"a".repeat(64)}`;
  const cache = "application/vnd.buildkit.cacheconfig.v0";
  let registry: RegistryStandIn;
  beforeEach(async () => {
    registry = await RegistryStandIn.start();
  });
  afterEach(() => registry[Symbol.asyncDispose]());
  const newest = async (stable = "0.2") =>
    (await newestImage(registryClient({ login: async () => undefined }), `${registry.host}/acme/link`, stable))?.digest;

  test.each(["buildcache", signature, `${signature}.sig`, `${signature}.att`])(
    "the tag %s is no image",
    async (tag) => {
      const image = registry.push("acme/link", "abc", "2026-01-01T00:00:00Z");
      registry.push("acme/link", tag, "2026-05-01T00:00:00Z");
      expect(await newest()).toBe(image);
      registry.tags.set("acme/link", new Map([[tag, image]]));
      expect(await newest()).toBeUndefined();
    },
  );

  test("a build cache of another name is none either", async () => {
    const image = registry.push("acme/link", "abc", "2026-01-01T00:00:00Z");
    registry.push("acme/link", "cache-main", "2026-05-01T00:00:00Z", cache);
    expect(await newest()).toBe(image);
  });

  test("what the stable tag names goes before what was built later for a branch", async () => {
    const stable = registry.push("acme/link", "0.2", "2026-01-01T00:00:00Z");
    registry.push("acme/link", "f".repeat(40), "2026-05-01T00:00:00Z");
    expect(await newest()).toBe(stable);
  });

  test("all tags count, wherever the newest stands in the list", async () => {
    const image = registry.push("acme/link", "a00", "2026-05-01T00:00:00Z");
    for (let number = 10; number < 70; number++) registry.push("acme/link", `b${number}`);
    expect(await newest()).toBe(image);
  });

  test("it is refused where the times of the images do not tell", async () => {
    registry.push("acme/link", "abc", "1970-01-01T00:00:00Z");
    const twin = registry.push("acme/link", "def", "1970-01-01T00:00:00Z");
    await expect(newest()).rejects.toThrow(/which image was built last cannot be told.*tag builds 0\.2\.NUMBER/);
    registry.tags.set(
      "acme/link",
      new Map([
        ["abc", twin],
        ["def", twin],
      ]),
    );
    expect(await newest()).toBe(twin);
  });

  test("nor are more images dated than a registry would bear", async () => {
    const image = registry.push("acme/link", "0");
    registry.tags.set("acme/link", new Map(Array.from({ length: 501 }, (_, number) => [`t${number}`, image])));
    await expect(newest()).rejects.toThrow(/has 501 tags, none of them 0\.2\.NUMBER: too many/);
  });
});

test.each([
  [
    "0.2",
    "2026-05-01T00:00:00Z",
    /0\.2 was built after 0\.2\.117, the highest build number, which counts all the same/,
  ],
  ["0.2.1", "2026-05-01T00:00:00Z", /0\.2\.1 was built after 0\.2\.117/],
  ["0.2.1", "2025-05-01T00:00:00Z", undefined],
  ["0.2", "2026-01-01T00:00:00Z", undefined],
])("build numbers that begin again are told: %s of %s", async (tag, created, doubt) => {
  await using registry = await RegistryStandIn.start();
  const newest = registry.push("acme/link", "0.2.117", "2026-01-01T00:00:00Z");
  registry.push("acme/link", tag, created);
  registry.push("acme/link", "0.2.2", created);
  const image = await newestImage(
    registryClient({ login: async () => undefined }),
    `${registry.host}/acme/link`,
    "0.2",
  );
  expect(image?.digest).toBe(newest);
  if (doubt === undefined) expect(image?.doubt).toBeUndefined();
  else expect(image?.doubt).toMatch(doubt);
});
