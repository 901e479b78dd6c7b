import { expect, test } from "vitest";
import { highestVersion, nextVersion, versionsOf } from "../../../../cli/version-tags/next-version.ts";

const fix = { type: "fix", breaking: null };
const feature = { type: "feat", breaking: null };
const breaking = { type: "fix", breaking: "all" };

test.each([
  ["1.2.3", [fix], "1.2.4"],
  ["1.2.3", [fix, feature, fix], "1.3.0"],
  ["1.2.3", [feature, breaking], "2.0.0"],
  ["0.2.3", [fix], "0.2.4"],
  ["0.2.3", [feature], "0.3.0"],
  ["0.2.3", [breaking], "0.3.0"],
  ["1.9.9", [fix], "1.9.10"],
])("after %s come %j: %s", (version, changes, next) => expect(nextVersion(version, changes)).toBe(next));

test("only a tag that is written as one of this service is its version", () => {
  const names = [
    "link/v1.2.3",
    "link/v1.10.0",
    "link/v2.0.0-rc.1",
    "link/v01.0.0",
    "link/1.9.9",
    "links/v3.0.0",
    "v4.0.0",
  ];
  const found = versionsOf("link", new Map(names.map((name) => [name, "a"])));
  expect(found.map(({ version }) => version)).toEqual(["1.2.3", "1.10.0"]);
  expect(highestVersion(found)?.version).toBe("1.10.0");
  expect(highestVersion([])).toBeUndefined();
});
