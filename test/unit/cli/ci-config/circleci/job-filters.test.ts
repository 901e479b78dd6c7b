import { describe, expect, test } from "vitest";
import { setupConfiguration } from "../../../../../cli/ci-config/circleci/configuration.ts";
import { circleConfigSchema } from "../../../../../circleci/schema.ts";
import { compileConfig } from "../../../../../sandbox/stand-ins/circleci/config/config.ts";
import { randomFrom } from "../../../../support/random-pipeline.ts";
import { samplePipeline } from "../../../../support/sample-pipeline.ts";

/** The setup configuration as it is, and with the maps of names in place of expressions, which CircleCI took before. */
const expressions = setupConfiguration(samplePipeline);
const maps = {
  ...expressions,
  workflows: {
    plan: {
      jobs: [
        { plan: { context: samplePipeline.contexts.read, filters: { branches: { ignore: "/pull\\/[0-9]+/" } } } },
        { plan: { name: "plan-of-fork", filters: { branches: { only: "/pull\\/[0-9]+/" } } } },
      ],
    },
  },
};

interface Ref {
  readonly branch: string | null;
  readonly tag: string | null;
}

function jobsOf(config: object, { branch, tag }: Ref): string[] {
  const values = { id: "p1", number: 7, "git.branch": branch, "git.tag": tag, "git.base_revision": null };
  return compileConfig(JSON.stringify(config), { values, parameters: {} }).workflows.flatMap(({ jobs }) =>
    jobs.map(({ name, contexts }) => `${name} ${contexts.join()}`),
  );
}

const pieces = [
  "pull",
  "/",
  "7",
  "12",
  "main",
  "x",
  "-",
  "pull/3",
  "head",
  ".",
  "0",
  "é",
  "fix",
  " ",
  "$",
  "^",
  "pull/",
];

/** A text made of pieces that could matter. */
function textOf(random: () => number): string {
  const below = (number: number): number => Math.floor(random() * number);
  return Array.from({ length: 1 + below(4) }, () => pieces[below(pieces.length)]).join("");
}

describe("expressions give the same jobs as maps of names", () => {
  const known = [
    "main",
    "pull/1",
    "pull/123456",
    "pull/1/head",
    "apull/1",
    "pull/",
    "pull/x",
    "gh-readonly-queue/main/pr-1-abc",
  ].map((branch): Ref => ({ branch, tag: null }));

  test.each(known)("on branch $branch", (ref) => expect(jobsOf(expressions, ref)).toEqual(jobsOf(maps, ref)));

  test("on any branch, and for any tag", () => {
    const random = randomFrom(15);
    const names = Array.from({ length: 2_000 }, () => textOf(random));
    const found = new Set<string>();
    for (const name of names) {
      for (const ref of [
        { branch: name, tag: null },
        { branch: null, tag: name },
      ]) {
        const jobs = jobsOf(expressions, ref);
        expect([ref, jobs]).toEqual([ref, jobsOf(maps, ref)]);
        found.add(jobs.join());
      }
    }
    // Each of the three ways has come up.
    expect([...found].toSorted()).toEqual(["", `plan ${samplePipeline.contexts.read}`, "plan-of-fork "]);
  });
});

test("a map is not written any more", () => {
  expect(circleConfigSchema.safeParse(expressions).success).toBe(true);
  expect(circleConfigSchema.safeParse(maps).success).toBe(false);
});
