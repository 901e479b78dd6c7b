import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseIgnoreFile } from "../../../../../cli/affected/dockerignore.ts";
import {
  contextDigest,
  contextFiles,
  readIgnorePatterns,
} from "../../../../../sandbox/providers/docker/build-context.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "docker-provider-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text, { mode: 0o644 });
    chmodSync(join(directory, path), 0o644);
  }
}

async function leftIn(ignoreFile: string, paths: string[]): Promise<string[]> {
  write({ Dockerfile: "", ...Object.fromEntries(paths.map((path) => [`context/${path}`, path])) });
  const files = await contextFiles(join(directory, "context"), parseIgnoreFile(ignoreFile));
  return files.map(({ path }) => path);
}

describe("ignore files", () => {
  const tree = ["a.go", "a_test.go", "b/a.go", "b/c/a.go", "b/c/d.md", "svc/link/main.go", "svc/news/main.go"];
  // Each row as moby's patternmatcher and BuildKit's walk decide it.
  test.each<[string, string[]]>([
    ["", tree],
    ["# *\n\n  \n", tree],
    ["*.go", ["b/a.go", "b/c/a.go", "b/c/d.md", "svc/link/main.go", "svc/news/main.go"]],
    ["**/*.go", ["b/c/d.md"]],
    ["**/a.go", ["a_test.go", "b/c/d.md", "svc/link/main.go", "svc/news/main.go"]],
    ["b", ["a.go", "a_test.go", "svc/link/main.go", "svc/news/main.go"]],
    ["/b/", ["a.go", "a_test.go", "svc/link/main.go", "svc/news/main.go"]],
    ["./b/../b/*", ["a.go", "a_test.go", "svc/link/main.go", "svc/news/main.go"]],
    ["c", tree],
    ["b/**", ["a.go", "a_test.go", "svc/link/main.go", "svc/news/main.go"]],
    ["b/*/a.go", ["a.go", "a_test.go", "b/a.go", "b/c/d.md", "svc/link/main.go", "svc/news/main.go"]],
    ["?.go", ["a_test.go", "b/a.go", "b/c/a.go", "b/c/d.md", "svc/link/main.go", "svc/news/main.go"]],
    ["[ab]*", ["svc/link/main.go", "svc/news/main.go"]],
    ["[^ab]*", ["a.go", "a_test.go", "b/a.go", "b/c/a.go", "b/c/d.md"]],
    ["*", []],
    ["*\n!svc", ["svc/link/main.go", "svc/news/main.go"]],
    ["*\n!svc/link", ["svc/link/main.go"]],
    ["*\n! /svc/link", ["svc/link/main.go"]],
    ["*\n!svc/*/main.go", ["svc/link/main.go", "svc/news/main.go"]],
    ["*\n!**/a.go", ["a.go", "b/a.go", "b/c/a.go"]],
    ["*\n!b\nb/c\n!b/c/d.md", ["b/a.go", "b/c/d.md"]],
    ["!svc\n*", []],
    ["\ufeffb\r\nsvc\r\n", ["a.go", "a_test.go"]],
    ["*\n!a\\.go", ["a.go"]],
  ])("%j", async (ignoreFile, expected) => {
    expect(await leftIn(ignoreFile, tree)).toEqual(expected);
  });

  test("takes special characters of regular expressions as they are", async () => {
    expect(await leftIn("a+(b).*\nc$*", ["a+(b).go", "aa(b).go", "c$1", "c1"])).toEqual(["aa(b).go", "c1"]);
  });

  test.each<[string, string[]]>([
    ["*.go|b", tree],
    ["svc\\link", tree],
    ["*\n!b\\d", tree],
    ["*\n!svc/n*|x", tree],
    ["b/\\*", tree],
  ])("%j is a regular expression to Docker: nothing is left out on a guess", async (ignoreFile, left) => {
    expect(await leftIn(ignoreFile, tree)).toEqual(left);
  });

  test.each(["!", "!/", "[", "a[]", "a\\", "[a-]"])("refuses %j", (pattern) => {
    expect(() => parseIgnoreFile(pattern)).toThrow(pattern);
  });

  test("the one of the Dockerfile goes before the one of the context, and a faulty one is named", () => {
    write({ Dockerfile: "", "Dockerfile.dockerignore": "a", "context/.dockerignore": "b" });
    const context = { folder: join(directory, "context"), dockerfile: join(directory, "Dockerfile") };
    expect(readIgnorePatterns(context).map((pattern) => pattern.matches("a"))).toEqual([true]);
    rmSync(join(directory, "Dockerfile.dockerignore"));
    expect(readIgnorePatterns(context).map((pattern) => pattern.matches("b"))).toEqual([true]);
    write({ "context/.dockerignore": "a[" });
    expect(() => readIgnorePatterns(context)).toThrow(join(directory, "context/.dockerignore"));
  });
});

describe("context digest", () => {
  beforeEach(() => {
    write({
      "app/svc/link/Dockerfile": "FROM scratch\nCOPY . /\n",
      "app/svc/link/Dockerfile.dockerignore": "*\n!pkg\n!svc/link\nsvc/link/Dockerfile*\n**/*_test.go\n",
      "app/svc/link/main.go": "package main\n",
      "app/svc/news/main.go": "package main\n",
      "app/pkg/a.go": "package pkg\n",
      "app/pkg/a_test.go": "package pkg\n",
      "app/pkg/Zé.go": "x\n",
      "app/pkg/run.sh": "#!/bin/sh\n",
    });
    chmodSync(join(directory, "app/pkg/run.sh"), 0o755);
    symlinkSync("../pkg/a.go", join(directory, "app/pkg/link.go"));
  });
  const digest = (): Promise<string> =>
    contextDigest({ directory, context: "app", dockerfile: "app/svc/link/Dockerfile" }, new Map());

  test("is the official plugin's", async () => {
    expect(await digest()).toBe("affc04a30460286d7ebeadb9963d3554cdcab7e192d0ac3711dcc2e516b454cc");
    expect(
      await contextDigest(
        { directory: join(directory, "app"), context: ".", dockerfile: "svc/link/Dockerfile" },
        new Map(),
      ),
    ).toBe("57b9486b753a9f25be2f3ecb57e4ced2a63fda21493a01649b450a749df46cf2");
  });

  test.each<[string, () => void, boolean]>([
    ["an ignored file", () => write({ "app/svc/news/main.go": "changed", "app/pkg/b_test.go": "" }), false],
    ["a file's contents", () => write({ "app/pkg/a.go": "changed" }), true],
    ["a file's name", () => write({ "app/pkg/b.go": "" }), true],
    ["a file's mode", () => chmodSync(join(directory, "app/pkg/a.go"), 0o755), true],
    ["the Dockerfile, although it is ignored", () => write({ "app/svc/link/Dockerfile": "FROM scratch\n" }), true],
    ["a link to nowhere", () => symlinkSync("nowhere", join(directory, "app/pkg/dead")), true],
  ])("changes with %s", async (_what, change, changes) => {
    const before = await digest();
    change();
    expect((await digest()) !== before).toBe(changes);
  });

  test("notices a change of a file that was read before", async () => {
    const known = new Map();
    const paths = { directory, context: "app", dockerfile: "app/svc/link/Dockerfile" };
    const before = await contextDigest(paths, known);
    expect(await contextDigest(paths, known)).toBe(before);
    write({ "app/pkg/a.go": "package pkx\n" });
    expect(await contextDigest(paths, known)).not.toBe(before);
  });
});
