import { expect, test } from "vitest";
import { backoff, retry } from "../../../core/retry.ts";

const failing = (times: number) => (attempt: number) =>
  attempt <= times ? Promise.reject(new Error(`attempt ${attempt}`)) : Promise.resolve(attempt);

test("what succeeds at last is returned, and each pause was announced", async () => {
  const announced: unknown[] = [];
  const result = await retry(failing(2), {
    pauses: [1, 2, 3],
    onRetry: (error, pause, attempt) => announced.push([String(error), pause, attempt]),
  });
  expect(result).toBe(3);
  expect(announced).toEqual([
    ["Error: attempt 1", 1, 1],
    ["Error: attempt 2", 2, 2],
  ]);
});

test.each([
  ["no attempt is left", failing(9), { pauses: [1, 1] }, "attempt 3"],
  ["the failure is final", failing(9), { pauses: [1, 1], isTransient: () => false }, "attempt 1"],
])("the last failure is thrown where %s", async (_, action, options, message) => {
  await expect(retry(action, options)).rejects.toThrow(message);
});

test("a failure that asks for a pause gets it", async () => {
  const pauses: number[] = [];
  await retry(failing(1), { pauses: [60_000], pauseFor: () => 3, onRetry: (_, pause) => pauses.push(pause) });
  expect(pauses).toEqual([3]);
});

test("an abort ends the waiting", async () => {
  const abort = new AbortController();
  const result = retry(failing(9), { pauses: [60_000], signal: abort.signal, onRetry: () => abort.abort() });
  await expect(result).rejects.toThrow(/abort/i);
});

test("pauses double up to the longest, a quarter longer or shorter at most", () => {
  const pauses = backoff(6, 100, 1000);
  expect(pauses).toHaveLength(6);
  for (const [index, pause] of pauses.entries()) {
    const middle = Math.min(100 * 2 ** index, 1000);
    expect(pause).toBeGreaterThanOrEqual(middle * 0.75);
    expect(pause).toBeLessThanOrEqual(middle * 1.25);
  }
});
