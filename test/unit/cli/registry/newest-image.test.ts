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
  [["latest.10", "latest.117", "latest.9"], "latest", "latest.117"],
  [["latest", "latest.9", "latest.10-arm64", "latest.11.1", "latest.x", "latest."], "latest", "latest.9"],
  [["0.2.2", "0.2.10", "0.20.99", "10.2.5", "1.0.2.77"], "0.2", "0.2.10"],
  [["v1.99", "v1.100", "v2.1", "av1.200"], "v1", "v1.100"],
  [["a.b.9", "a.b.10", "axb.11"], "a.b", "a.b.10"],
  [["main.007", "main.8"], "main", "main.8"],
  [["x.9007199254740993", "x.9007199254740992"], "x", "x.9007199254740993"],
  [["0.2.9", "0.2.-10", "0.2.+11", "0.2.1e3", "0.2.٣", "0.2. 12"], "0.2", "0.2.9"],
  [["latest.117", "0.2.9"], "latest", "latest.117"],
  [["0.2.9", "sha256-117", "buildcache", "latest.5"], "0.3", "0.2.9"],
])("the newest build of %j with stable tag %s is %s", (tags, stable, newest) =>
  expect(newestBuild(tags, stable)).toBe(newest),
);

/** All orders in which a registry may list some tags. */
function permutations(tags: readonly string[]): string[][] {
  if (tags.length === 0) return [[]];
  return tags.flatMap((tag) => permutations(tags.filter((other) => other !== tag)).map((rest) => [tag, ...rest]));
}

test.each(["latest", "0.2", "v1", "main", "1", "a-b_c.d"])("in whatever order tags come, after %s", (stable) => {
  const tags = [`${stable}.9`, `${stable}.10`, `${stable}.117`, stable, "buildcache"];
  for (const listed of permutations(tags)) expect(newestBuild(listed, stable)).toBe(`${stable}.117`);
});
