import { expect, test } from "vitest";
import { jsonOrText } from "../../../core/json.ts";

test.each([
  ['{"a":[1,null]}', { a: [1, null] }],
  ['"text"', "text"],
  ["<html>", "<html>"],
  ["", ""],
])("%j says %j", (text, value) => {
  expect(jsonOrText(text)).toEqual(value);
});
