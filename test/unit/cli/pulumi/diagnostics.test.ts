import { describe, expect, test } from "vitest";
import { lastOutput, problemsIn } from "../../../../cli/pulumi/diagnostics.ts";

const urn = "urn:pulumi:dev::shop::kubernetes:apps/v1:Deployment::link";
const summary = "One or more errors occurred";

function error(message: string, of?: string): { diagnosticEvent: { severity: string; message: string; urn?: string } } {
  return { diagnosticEvent: { severity: "error", message, ...(of === undefined ? {} : { urn: of }) } };
}

describe("the problems of a run", () => {
  // The shapes are those of the engine 3.270 with the SDK of the same version, where nothing else is said.
  test.each<[what: string, events: ReturnType<typeof error>[], problems: string[]]>([
    ["nothing", [], []],
    ["only that it failed", [error("preview failed"), error("update failed"), error("destroy failed")], []],
    [
      "the only carrier",
      [error(`${summary}: 5 NOT_FOUND: no such stack, "a/b"\n`)],
      ['5 NOT_FOUND: no such stack, "a/b"'],
    ],
    ["the only carrier, in colors", [error(`<{%fg 1%}>${summary}: x<{%reset%}>\n`)], ["x"]],
    ["the only carrier, and that it failed", [error(`${summary}: x`), error("preview failed")], ["x"]],
    ["the only carrier, of a resource", [error(`${summary}: x`, urn)], ["Deployment link: x"]],
    ["several lines", [error(`${summary}: one,\n  two\nthree`)], ["one,\n  two\nthree"]],
    ["two of them", [error(`${summary}: x`), error(`${summary}: y`)], ["x", "y"]],
    ["a pointer to logs", [error("bad config"), error(`${summary}. Check logs for more details`)], ["bad config"]],
    ["a repetition", [error("one, and two\n"), error(`${summary}: one, and two\n`)], ["one, and two"]],
    [
      "a repetition of what has a stack",
      [error("Unhandled exception: Error: one, two\n    at f (x.ts:1:2)\n"), error(`${summary}: one, two`)],
      ["Unhandled exception: Error: one, two\n    at f (x.ts:1:2)"],
    ],
    [
      "a repetition of two, and one that stands nowhere else",
      [error("first"), error("second"), error(`${summary}: first, 14 UNAVAILABLE: a, b, second`)],
      ["first", "second", "14 UNAVAILABLE: a, b"],
    ],
    [
      "what follows from it",
      [error("wrong", urn), error("transport: the client connection is closing"), error("resource monitor shut down")],
      ["Deployment link: wrong"],
    ],
    [
      "only what follows from an error",
      [error("resource monitor shut down"), error("preview failed")],
      ["resource monitor shut down"],
    ],
    ["a summary of nothing", [error(summary), error(`${summary}.`), error(`${summary}:\n`)], []],
    ["an empty message", [error(" \n"), error(`${summary}: `)], []],
    ["no error", [{ diagnosticEvent: { severity: "warning", message: `${summary}: x` } }], []],
  ])("%s", (_what, events, problems) => {
    expect(problemsIn(events)).toEqual(problems);
  });

  test("what is told in another way is left out, and what repeats it", () => {
    const events = [error("404 Not Found", urn), error(`${summary}: 404 Not Found, x`)];
    expect(problemsIn(events, (event) => event.urn === urn)).toEqual(["x"]);
  });
});

test("the last lines that a plugin wrote are kept for a run that says nothing else", () => {
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index}\n`);
  const events = ["panic: nil map\n", ...lines].map((message) => ({
    diagnosticEvent: { severity: "info#err", message },
  }));
  expect(lastOutput(events).split("\n")).toEqual(lines.slice(-10).map((line) => line.trim()));
  expect(lastOutput([error("x")])).toBe("");
});
