import { expect, test } from "vitest";
import { comparisonTable } from "../../../../bench/loop/comparison.ts";
import type { Journey } from "../../../../bench/loop/journey.ts";

const journey = (total: number, build: number): Journey => ({
  commit: "",
  total,
  build,
  images: 1,
  stages: { plan: total - build, "tests and builds": build },
});

test("two engines side by side: medians, spreads, and the ratio of the medians", () => {
  const table = comparisonTable(
    ["CircleCI's stand-in", [journey(10, 4), journey(12, 5), journey(11, 4.5)]],
    ["Tekton", [journey(33, 5), journey(30, 4), journey(60, 6)]],
  );
  expect(table).toEqual([
    "seconds            CircleCI's stand-in               Tekton  Tekton / CircleCI's stand-in",
    "commit → new pods  11.0 (10.0 to 12.0)  33.0 (30.0 to 60.0)                         3.0 ×",
    "of it the build       4.5 (4.0 to 5.0)     5.0 (4.0 to 6.0)                         1.1 ×",
    "all but the build     6.5 (6.0 to 7.0)  28.0 (26.0 to 54.0)                         4.3 ×",
    "plan                  6.5 (6.0 to 7.0)  28.0 (26.0 to 54.0)                         4.3 ×",
    "tests and builds      4.5 (4.0 to 5.0)     5.0 (4.0 to 6.0)                         1.1 ×",
  ]);
});
