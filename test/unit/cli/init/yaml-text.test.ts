import { expect, test } from "vitest";
import { parse } from "yaml";
import { flow, scalar } from "../../../../cli/init/yaml-text.ts";
import { nastyStrings } from "../../../support/nasty-strings.ts";

test.each([...nastyStrings, "a, b", "{a}", "a: b", "a #b", "#", "no", "1e3", "!x", "*", "src/*", ".", "~", "-", "a:"])(
  "%j is written so that it is read again",
  (text) => {
    for (const version of ["1.1", "1.2"] as const) {
      expect(parse(`a: ${scalar(text)} # comment`, { version })).toEqual({ a: text });
      expect(parse(`a: ${flow({ K: text, L: "x" })}`, { version })).toEqual({ a: { K: text, L: "x" } });
    }
  },
);

test("what is plain needs no quotes", () => {
  expect(["docker/web.Dockerfile", "acme", "host:80", "https://x.example/y.git"].map(scalar)).toEqual([
    "docker/web.Dockerfile",
    "acme",
    "host:80",
    "https://x.example/y.git",
  ]);
});
