import { expect, test } from "vitest";
import { newestBuild } from "../../../../cli/registry/newest-image.ts";

test.each<[tags: string[], stable: string | undefined, newest: string | undefined]>([
  [["0.2", "0.2.9", "0.2.10", "latest"], "0.2", "0.2.10"],
  [["0.2.9", "0.3.1", "0.10.2"], undefined, "0.10.2"],
  [["0.2.9", "0.3.1"], "0.2", "0.2.9"],
  [["1.2.3", "1.2.4"], "latest", "1.2.4"],
  [["0.2.9-rc", "0.2.x", "0x2.5"], "0.2", undefined],
  [["0.2", "abc123"], "0.2", undefined],
  [[], "0.2", undefined],
])("the newest build of %j with stable tag %s is %s", (tags, stable, newest) =>
  expect(newestBuild(tags, stable)).toBe(newest),
);
