import { expect, test } from "vitest";
import { compiledSize, isWithinLimits } from "../../../circleci/limits.ts";
import type { CircleConfig } from "../../../circleci/schema.ts";

function calling(names: readonly string[], parameters: Record<string, string> = {}): CircleConfig {
  return {
    version: 2.1,
    executors: { plain: { docker: [{ image: "cimg/base:current" }] } },
    commands: { prepare: { steps: [{ run: { name: "Prepare", command: "p".repeat(300) } }] } },
    jobs: {
      test: {
        parameters: { service: { type: "string", default: "" } },
        executor: "plain",
        steps: [
          "prepare",
          {
            when: { condition: "<< parameters.service >>", steps: [{ run: { name: "t", command: "t".repeat(200) } }] },
          },
          { run: { name: "Test", command: "test << parameters.service >> and << parameters.service >>" } },
        ],
      },
    },
    workflows: { all: { jobs: names.map((name) => ({ test: { name, ...parameters } })) } },
  };
}

test("every job counts with its commands, its steps under conditions and its executor, written out", () => {
  const one = compiledSize(calling(["a"]));
  expect(one).toBeGreaterThan(500);
  expect(compiledSize(calling(["a", "b", "c"]))).toBe(3 * one);
});

test("a value counts as often as it is filled in, and where it is given", () => {
  const service = "s".repeat(1000);
  const grown = compiledSize(calling(["a"], { service })) - compiledSize(calling(["a"]));
  expect(grown).toBeGreaterThan(3000 - 100);
  expect(grown).toBeLessThan(3000 + 100);
});

test.each<[what: string, configuration: CircleConfig, fits: boolean]>([
  ["ten thousand small jobs", calling(Array.from({ length: 10_000 }, (_, index) => `j${index}`)), false],
  ["five thousand", calling(Array.from({ length: 5000 }, (_, index) => `j${index}`)), true],
  ["a value too long for a variable", calling(["a"], { service: "s".repeat(128 * 1024) }), false],
])("%s", (_what, configuration, fits) => {
  expect(isWithinLimits(configuration)).toBe(fits);
});
