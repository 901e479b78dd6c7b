import { expect, test } from "vitest";
import { registryClient } from "../../../../cli/registry/client.ts";
import { newestImage } from "../../../../cli/registry/newest-image.ts";
import { RegistryStandIn } from "../../../support/registry-stand-in.ts";

test("the newest build is the image built last where no tag has a build number", async () => {
  await using registry = await RegistryStandIn.start();
  registry.push("acme/link", "abc", "2026-01-01T00:00:00Z");
  const newest = registry.push("acme/link", "def", "2026-03-01T00:00:00Z");
  registry.push("acme/link", "ghi", "2026-02-01T00:00:00Z");
  const client = registryClient({ login: async () => undefined });
  expect(await newestImage(client, `${registry.host}/acme/link`, "0.2")).toBe(newest);
  expect(await newestImage(client, `${registry.host}/acme/none`, "0.2")).toBeUndefined();
});
