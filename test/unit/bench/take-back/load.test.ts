import { expect, test } from "vitest";
import { shareOf } from "../../../../bench/take-back/load.ts";

test.each([
  ["while it answers, and not before or after", ["old", "bad", "old", "bad", "old", "old"], { kind: 2, all: 3 }],
  ["once", ["old", "bad"], { kind: 1, all: 1 }],
  ["never", ["old", "old"], { kind: 0, all: 0 }],
])("the share of what answers %s", (_what, answers, share) => expect(shareOf({ answers }, "bad")).toEqual(share));
