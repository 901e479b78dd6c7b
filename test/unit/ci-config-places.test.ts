import { describe, expect, test } from "vitest";
import { chainFrom } from "../../cli/ci-config/environment-chain.ts";
import { programLayout, type LayoutArgs } from "../../cli/ci-config/program-layout.ts";

describe("environments", () => {
  const chain = (first: string, origins: Record<string, string | undefined>): readonly string[] =>
    chainFrom(first, new Map(Object.entries(origins)));

  test("follow the one that they promote from, whatever else there is", () => {
    const origins = { prod: "staging", dev: undefined, sandbox: undefined, staging: "dev", qa: "dev", audit: "qa" };
    expect(chain("dev", origins)).toEqual(["dev", "qa", "audit", "staging", "prod"]);
    expect(chain("sandbox", origins)).toEqual(["sandbox"]);
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
    // Nothing leads there, so nobody would ever deliver to them.
    ["dev", { dev: undefined, a: "b", b: "a" }, /goes in a circle: a ← b ← a/],
  ])("%s of %j is refused", (first, origins, message) => {
    expect(() => chain(first, origins)).toThrow(message);
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
