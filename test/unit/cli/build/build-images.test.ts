import { describe, expect, test } from "vitest";
import { digestIn, imageBuilds } from "../../../../cli/build/build-images.ts";

describe("the context is", () => {
  const service = { name: "link", directory: "shop/svc/link_service", port: 7070 };
  const images = {
    registry: "docker.io",
    organization: "acme",
    username: "ci",
    source: "registry",
    platform: "linux/arm64",
    tag: "0.2",
    context: "service",
  } as const;
  const monorepo = { app: { name: "shop", directory: "shop", services: "svc/*" }, root: "shop", services: [service] };

  test.each([
    ["service", "shop/svc/link_service"],
    ["app", "shop"],
  ] as const)("the directory that images.context %s names", (context, directory) => {
    const file = "stacks/Pulumi.dev.yaml";
    const [first] = imageBuilds({ ...monorepo, file, images: { ...images, context } }, [service], {
      tags: ["0.2.1"],
      push: true,
    });
    expect(first).toEqual({
      service: "link",
      repository: "docker.io/acme/shop-link",
      tags: ["0.2.1"],
      context: `${process.cwd()}/${directory}`,
      dockerfile: `${process.cwd()}/shop/svc/link_service/Dockerfile`,
      platform: "linux/arm64",
      push: true,
    });
  });
});

test("the digest is that of what was pushed, not of its configuration", () => {
  const digest = `sha256:${"1".repeat(64)}`;
  const metadata = { "containerimage.config.digest": `sha256:${"2".repeat(64)}`, "containerimage.digest": digest };
  expect(digestIn(JSON.stringify(metadata))).toBe(digest);
  expect(digestIn("{}")).toBeUndefined();
});
