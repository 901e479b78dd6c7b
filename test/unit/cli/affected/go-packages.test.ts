import { describe, expect, test } from "vitest";
import { parseGoSource } from "../../../../cli/affected/go-packages.ts";

describe("a Go file", () => {
  test.each<[what: string, text: string, imports: string[]]>([
    ["one import", 'package a\nimport "b/c"\n', ["b/c"]],
    ["a block with names", 'package a\n\nimport (\n\tx "b"\n\t_ "c"\n\t. "d"\n\n\t"e"\n)\n', ["b", "c", "d", "e"]],
    ["several declarations", 'package a\nimport "b"\nimport ()\nimport ("c"; "d")\nvar x = 1', ["b", "c", "d"]],
    ["raw strings", "package a\nimport `b`\n", ["b"]],
    [
      "comments",
      '// Copyright import "x"\n/* import "y" */\npackage a // a\nimport ( // b\n/* import */ "b" // "z"\n// "w"\n)\n',
      ["b"],
    ],
    ["a build constraint", '//go:build linux && !cgo\n\npackage a\nimport "b"\n', ["b"]],
    ["no import", 'package a\nvar text = `\nimport "x"\n`\n', []],
    ["an import that is none", 'package a\n\nfunc f() {}\nimport "x"\n', []],
    ["Windows lines", 'package a\r\nimport (\r\n\t"b"\r\n)\r\n', ["b"]],
    ["an end too early", 'package a\nimport (\n\t"b"\n', ["b"]],
  ])("with %s", (_what, text, imports) => {
    expect(parseGoSource(text)).toMatchObject({ package: "a", imports });
  });

  test("names what it embeds", () => {
    const text = 'package a\nimport _ "embed"\n//go:embed a.txt "b c.txt" all:static\nvar x string\n  //go:embed `d`\n';
    expect(parseGoSource(text)?.embeds).toEqual(["a.txt", "b c.txt", "static", "d"]);
  });

  test.each(["", "// nothing", "//go:build ignore\n\npackage main\n", "<html>"])(
    "that is part of no package: %j",
    (text) => {
      expect(parseGoSource(text)).toBeUndefined();
    },
  );
});
