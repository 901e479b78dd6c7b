import { describe, expect, test } from "vitest";
import { digestIn, imageBuilds } from "../../../../cli/build/build-images.ts";
import type { Monorepo } from "../../../../cli/project/monorepo.ts";
import { sampleService } from "../../../support/sample-shop.ts";

describe("an image is built", () => {
  const service = sampleService("link", { dockerfile: "shop/docker/link.Dockerfile", context: "shop" });
  const images: Monorepo["images"] = {
    registry: "docker.io",
    organization: "acme",
    login: "password",
    username: "ci",
    source: "registry",
    platforms: ["linux/arm64"],
    tag: "0.2",
    context: "service",
  };
  const monorepo = { app: { name: "shop", directory: "shop", services: "svc/*" }, root: "shop", services: [service] };

  test.each([{}, { target: "web", buildArgs: { PORT: "1" } }, { platforms: ["linux/amd64", "linux/arm64"] }])(
    "as its service says, with %j",
    (choice) => {
      const file = "stacks/Pulumi.dev.yaml";
      const [first] = imageBuilds({ ...monorepo, file, images }, [{ ...service, ...choice }], {
        tags: ["0.2.1"],
        push: true,
      });
      expect(first).toEqual({
        service: "link",
        repository: "docker.io/acme/shop-link",
        tags: ["0.2.1"],
        context: `${process.cwd()}/shop`,
        dockerfile: `${process.cwd()}/shop/docker/link.Dockerfile`,
        platforms: ["linux/arm64"],
        push: true,
        ...choice,
      });
    },
  );
});

test("the digest is that of what was pushed, not of its configuration", () => {
  const digest = `sha256:${"1".repeat(64)}`;
  const metadata = { "containerimage.config.digest": `sha256:${"2".repeat(64)}`, "containerimage.digest": digest };
  expect(digestIn(JSON.stringify(metadata))).toBe(digest);
  expect(digestIn("{}")).toBeUndefined();
});
