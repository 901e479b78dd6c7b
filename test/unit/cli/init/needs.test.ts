import { join } from "node:path";
import { expect, test } from "vitest";
import { needs } from "../../../../cli/init/needs.ts";
import type { StackSettings } from "../../../../stacks/schema.ts";

/** Settings of which only what needs asks for is there. */
function missing(engine: string, more: object = {}, secrets: object = {}): string[] {
  const settings = {
    ci: { engine, environment: {}, contexts: {} },
    images: { login: "password", registry: "docker.io", username: "acme" },
    dependencies: {},
    owns: { ciProject: true },
    ...more,
  };
  return needs({
    settings: settings as unknown as StackSettings,
    services: [],
    given: { registryPassword: "x", gitToken: "x", secrets },
    checkout: join(import.meta.dirname, "nowhere"),
    environment: "dev",
  }).map(({ what }) => what);
}

test.each([
  ["circleci", ["ci.repositoryId", "circleciToken", ".circleci"]],
  ["tekton", [".tekton"]],
  ["travis", [".travis.yml"]],
])("what is CircleCI's is needed with CircleCI alone: %s", (engine, expected) => {
  expect(missing(engine)).toEqual(expected);
});

test("a program that only this machine has is no program for CI", () => {
  const more = (repository: string): object => ({
    ci: { engine: "travis", environment: {}, contexts: {}, program: { repository } },
  });
  expect(missing("travis", more("/home/ann/delivery"))).toEqual(["ci.program.repository", ".travis.yml"]);
  expect(missing("travis", more("git@github.com:acme/delivery.git"))).toEqual([".travis.yml"]);
});

test("the private keys that images and commits are signed with are needed", () => {
  const more = {
    images: { login: "own", signing: { secret: "image-key" } },
    gitops: { argoCd: {}, signing: { secret: "signing-key", previews: "preview-key" } },
  };
  const keys = ["secrets.image-key", "secrets.signing-key", "secrets.preview-key"];
  expect(missing("travis", more)).toEqual([...keys, ".travis.yml"]);
  expect(missing("travis", more, { "image-key": "x", "signing-key": "x" })).toEqual([
    "secrets.preview-key",
    ".travis.yml",
  ]);
});
