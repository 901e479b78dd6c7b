import { expect, test } from "vitest";
import { oneLine, readingOf } from "../../../../cli/status/reading.ts";
import { UnreachableError } from "../../../../kubernetes/errors.ts";

test("what is not there is unknown, what refuses has failed, and what hangs is given up", async () => {
  expect(await readingOf(() => Promise.reject(new UnreachableError("no cluster")), 1000)).toEqual({
    reason: "no cluster",
    state: "unknown",
  });
  expect(await readingOf(() => Promise.reject(new Error("not permitted")), 1000)).toEqual({
    reason: "not permitted",
    state: "failed",
  });
  const given: { signal?: AbortSignal } = {};
  const hanging = (signal: AbortSignal): Promise<never> => new Promise(() => (given.signal = signal));
  expect(await readingOf(hanging, 20)).toEqual({ reason: "no answer within 0.02 s", state: "unknown" });
  expect(given.signal?.aborted).toBe(true);
});

test("reasons are one line without credentials", () => {
  expect(oneLine("https://me:secret@host/x fails\nmore")).toBe("https://host/x fails");
  expect(oneLine("a\u001B[31mred")).toBe("a [31mred");
  expect(oneLine("x".repeat(1000))).toHaveLength(300);
});
