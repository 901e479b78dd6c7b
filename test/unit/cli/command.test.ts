import { expect, test } from "vitest";
import { duration } from "../../../cli/command.ts";

test.each([
  ["90m", 5_400_000],
  ["30s", 30_000],
  ["1h", 3_600_000],
  ["250ms", 250],
  ["5", 5000],
])("%s is %d ms", (text, milliseconds) => expect(duration("wait", text)).toBe(milliseconds));

test.each(["", "m", "-5s", "1d", "1.5h"])("refuses the duration %j", (text) => {
  expect(() => duration("wait", text)).toThrow(/^--wait ".*": must be a duration such as 5s, 10m or 1h$/);
});
