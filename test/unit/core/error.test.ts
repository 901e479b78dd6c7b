import { expect, test } from "vitest";
import { errorMessage, hasErrorCode, rootMessage } from "../../../core/error.ts";

const nested = new Error("fetch failed", { cause: new Error("connect ECONNREFUSED") });

test.each([
  [new Error("no such file"), "no such file", "no such file"],
  [nested, "fetch failed", "connect ECONNREFUSED"],
  [new Error("outer", { cause: new Error("") }), "outer", "outer"],
  [new Error("outer", { cause: "text" }), "outer", "outer"],
  ["text", "text", "text"],
  [undefined, "undefined", "undefined"],
])("%s", (error, message, root) => {
  expect(errorMessage(error)).toBe(message);
  expect(rootMessage(error)).toBe(root);
});

test("a code counts only where an error has it", () => {
  const missing = Object.assign(new Error("gone"), { code: "ENOENT" });
  expect(hasErrorCode(missing, "ENOTDIR", "ENOENT")).toBe(true);
  expect(hasErrorCode(missing, "EACCES")).toBe(false);
  expect(hasErrorCode({ code: "ENOENT" }, "ENOENT")).toBe(false);
});
