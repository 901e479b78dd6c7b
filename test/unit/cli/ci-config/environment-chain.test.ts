import { describe, expect, test } from "vitest";
import { chainFrom } from "../../../../cli/ci-config/environment-chain.ts";
import { programLayout, type LayoutArgs } from "../../../../cli/ci-config/program-layout.ts";
import {
  readPreviewOwners,
  assertPreviewsNotShared,
  type PreviewOwner,
} from "../../../../cli/ci-config/read-pipeline.ts";
import { Project } from "../../../../cli/project/stack-file.ts";

describe("environments", () => {
  const chain = (first: string, origins: Record<string, string | undefined>): readonly string[] =>
    chainFrom(first, new Map(Object.entries(origins)));

  test("follow the one that they promote from, whatever else there is", () => {
    const origins = { prod: "staging", dev: undefined, sandbox: undefined, staging: "dev", qa: "dev", audit: "qa" };
    expect(chain("dev", origins)).toEqual(["dev", "qa", "audit", "staging", "prod"]);
    expect(chain("sandbox", origins)).toEqual(["sandbox"]);
    expect(chain("dev", { dev: undefined, "another.chain": undefined })).toEqual(["dev"]);
  });

  test.each<[string, Record<string, string | undefined>, RegExp]>([
    ["test", { dev: undefined }, /^there is no stacks\/Pulumi\.test\.yaml in .*; there are dev$/],
    [
      "prod",
      { dev: undefined, prod: "dev" },
      /^stacks\/Pulumi\.prod\.yaml: promotion\.from: prod gets its digests from dev; .*--env dev`$/,
    ],
    [
      "dev",
      { dev: undefined, prod: "stagin" },
      /^stacks\/Pulumi\.prod\.yaml: promotion\.from: "stagin": there is no stacks\/Pulumi\.stagin\.yaml/,
    ],
    ["a", { a: "b", b: "a" }, /^stacks\/Pulumi\.a\.yaml: promotion\.from goes in a circle: a ← b ← a; remove it/],
    [
      "dev",
      { dev: undefined, "prod.v2": "dev" },
      /^stacks\/Pulumi\.prod\.v2\.yaml: the name "prod\.v2" would be part of the names of CircleCI's jobs.*; rename the stack/,
    ],
    // Nothing leads there, so nobody would ever deliver to them.
    ["dev", { dev: undefined, a: "b", b: "a" }, /goes in a circle: a ← b ← a/],
  ])("%s of %j is refused", (first, origins, message) => {
    expect(() => chain(first, origins)).toThrow(message);
  });
});

describe("preview environments", () => {
  const dev = { name: "dev", app: "shop", repository: "https://git.example/deploy.git", branch: "main", first: "dev" };
  const repository = "https://git.example/another.git";
  const refusal =
    (...others: Partial<PreviewOwner>[]) =>
    () =>
      assertPreviewsNotShared([dev, ...others.map((other) => ({ ...dev, name: "other", first: "other", ...other }))]);

  test.each<[string, Partial<PreviewOwner>]>([
    ["the same app in a world of its own, such as a sandbox", { repository }],
    ["another app, with another deploy repository", { app: "bank", repository }],
    ["another app, with another branch of the deploy repository", { app: "bank", branch: "bank" }],
  ])("may be declared twice: %s", (_case, other) => {
    expect(refusal(other)).not.toThrow();
  });

  const files = String.raw`stacks/Pulumi\.dev\.yaml and stacks/Pulumi\.other\.yaml: gitops\.previews`;
  const inChain = String.raw`both would make .* shop-pr-NUMBER; declare it in stacks/Pulumi\.dev\.yaml alone`;
  const beside = "both would make .* shop-pr-NUMBER; remove it from one of the two files";
  test.each<[string, Partial<PreviewOwner>, remedy: string]>([
    ["an environment that follows", { first: "dev" }, inChain],
    ["an environment that follows, with a deploy repository of its own", { first: "dev", repository }, inChain],
    ["one beside it, in the same deploy repository", {}, beside],
    ["one beside it, in the same deploy repository, on another branch", { branch: "b" }, beside],
    [
      "another app, in the same place",
      { app: "bank" },
      String.raw`shop and bank would write .* previews/pr-NUMBER to branch main of https://git\.example/deploy\.git; set another`,
    ],
  ])("are not declared twice: %s", (_case, other, remedy) => {
    expect(refusal(other)).toThrow(new RegExp(`^${files}: ${remedy}`));
  });

  test("are told from whichever two of many files clash", () => {
    expect(refusal({ name: "a", repository }, { name: "b", app: "bank", repository: "r" }, { repository })).toThrow(
      /Pulumi\.a\.yaml and stacks\/Pulumi\.other\.yaml/,
    );
  });

  test("of this repository are those of dev and of the sandbox, each in its own world", () => {
    expect(readPreviewOwners(new Project())).toMatchObject([
      { name: "dev", app: "delinkcious", first: "dev" },
      { name: "sandbox", app: "delinkcious", first: "sandbox" },
    ]);
    expect(() => assertPreviewsNotShared(readPreviewOwners(new Project()))).not.toThrow();
  });
});

describe("the program", () => {
  const declared = { repository: "https://github.com/acme/delivery.git", ref: "main" };
  const layout = (args: Partial<LayoutArgs>) =>
    programLayout({
      program: "",
      programRoot: "",
      sourceRoot: "/src/shop",
      declared: undefined,
      file: "the stack file",
      ...args,
    });

  test.each([
    ["/src/shop", "."],
    ["/src/shop/deploy/pulumi", "deploy/pulumi"],
  ])("at %s is in the source's own repository", (program, found) => {
    expect(layout({ program, programRoot: "/src/shop" })).toEqual({ program: found });
  });

  test.each<[program: string, programRoot: string, expected: object]>([
    ["/src/infra", "/src/infra", { program: "../delivery", directory: "../delivery", workingDirectory: "~/shop" }],
    [
      "/src/infra/a/b",
      "/src/infra",
      { program: "../delivery/a/b", directory: "../delivery", workingDirectory: "~/shop" },
    ],
    ["/infra", "/infra", { program: "../../delivery", directory: "../../delivery", workingDirectory: "~/src/shop" }],
    [
      "/src/x/infra",
      "/src/x/infra",
      { program: "../programs/delivery", directory: "../programs/delivery", workingDirectory: "~/shop" },
    ],
  ])(
    "at %s of a repository of its own is cloned so that its way to the source is the same",
    (program, programRoot, expected) => {
      const { clone, ...found } = layout({ program, programRoot, declared });
      expect({ ...found, directory: clone?.directory }).toEqual(expected);
      expect(clone).toMatchObject(declared);
    },
  );

  test("is not cloned over a source of the same name", () => {
    const found = layout({ program: "/src/infra", programRoot: "/src/infra", sourceRoot: "/src/delivery", declared });
    expect(found).toMatchObject({ program: "../delivery-program", workingDirectory: "~/delivery" });
  });

  test.each(["it's", 'a"b', "$HOME", "`id`", "a\\b", "<<x>>"])(
    "is refused in a directory that no shell of a job would find: %s",
    (name) => {
      expect(() => layout({ program: `/src/shop/${name}`, programRoot: "/src/shop" })).toThrow(
        /^the program would be in ".*" in CI, .*; rename that directory$/,
      );
    },
  );

  test.each<[Partial<LayoutArgs>, RegExp]>([
    [
      { program: "/src/infra", programRoot: "/src/infra" },
      /would not find it; move it there, or set ci\.program in the stack file/,
    ],
    [{ program: "/tmp/infra", programRoot: undefined }, /set ci\.program in the stack file/],
    [
      { program: "/tmp/infra", programRoot: undefined, declared },
      /is in no checkout of Git.*run this in a clone of that/,
    ],
    [{ program: "/src/shop", programRoot: "/src/shop", declared }, /remove ci\.program/],
    [{ program: "/src/shop/tool", programRoot: "/src/shop/tool", declared }, /put them beside each other/],
    [{ program: "/src", programRoot: "/src", declared }, /put them beside each other/],
  ])("that jobs would not find is refused: %j", (args, message) => {
    expect(() => layout(args)).toThrow(message);
  });
});
