import { expect, test } from "vitest";
import { endedFreeze } from "../../../stacks/windows-schema.ts";

const file = "stacks/Pulumi.prod.yaml";
const freeze = { reason: "the sale", until: "2026-01-02T00:00:00+01:00" };

test.each([
  ["2026-01-01T22:59:59Z", undefined],
  [
    "2026-01-01T23:00:00Z",
    `${file}: freeze: is over since ${freeze.until}, and holds nothing back; remove it, or set \`until\` anew`,
  ],
])("of a freeze is said at %s: %s", (now, sentence) => {
  expect(endedFreeze({ file, freeze }, new Date(now))).toBe(sentence);
  expect(endedFreeze({ file }, new Date(now))).toBeUndefined();
});
