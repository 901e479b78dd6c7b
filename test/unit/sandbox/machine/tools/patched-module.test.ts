import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { patchedSource, writePatchedModules } from "../../../../../sandbox/machine/tools/patched-module.ts";

const patch = { module: "example.com/m", file: "a/a.go", from: '"0.0.0.0"', to: '"127.0.0.1"' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "patch-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Files are read-only, as in Go's module cache. */
function write(files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    chmodSync(join(folder, path), 0o444);
  }
}
const read = (path: string): string => readFileSync(join(folder, path), "utf8");

test("a patch is applied where it fits, as it is", () => {
  expect(patchedSource('listen("0.0.0.0")', patch)).toBe('listen("127.0.0.1")');
  expect(patchedSource("a b", { ...patch, from: "a", to: "$&$&" })).toBe("$&$& b");
});

test.each([
  ["where it is not found", 'listen("")', /^example\.com\/m: a\/a\.go has no "\\"0\.0\.0\.0\\"", which is to become/],
  ["where it is found twice", '"0.0.0.0" "0.0.0.0"', /has 2 times .*correct the patch in .*source-patches\.ts/],
])("a patch is refused %s", (_what, source, message) => {
  expect(() => patchedSource(source, patch)).toThrow(message);
});

test("the build takes the patched copy, and the original stays", async () => {
  write({
    "family/go.mod": "module sandbox\n",
    "family/go.sum": "sums\n",
    "cache/m/a/a.go": 'var a = "0.0.0.0"\n',
    "cache/m/b/b.go": "package b // all of it\n",
    "other/b.go": "package b\n",
    "cache/m/go.mod": "module example.com/m\n",
    "work/0/left.go": "of an earlier build",
  });
  const work = join(folder, "work");
  const path = await writePatchedModules(
    join(folder, "family"),
    { patches: [patch], files: [{ module: "example.com/m", file: "b/b.go", by: join(folder, "other/b.go") }] },
    new Map([["example.com/m", join(folder, "cache", "m")]]),
    work,
  );
  expect(path).toBe(join(work, "go.mod"));
  expect(read("work/go.mod")).toBe(`module sandbox\n\nreplace example.com/m => "${work}/0"\n`);
  expect(read("work/go.sum")).toBe("sums\n");
  expect(read("work/0/a/a.go")).toBe('var a = "127.0.0.1"\n');
  expect(read("work/0/b/b.go")).toBe("package b\n");
  expect(read("cache/m/b/b.go")).toBe("package b // all of it\n");
  expect(read("work/0/go.mod")).toBe("module example.com/m\n");
  expect(read("cache/m/a/a.go")).toBe('var a = "0.0.0.0"\n');
  expect(() => read("work/0/left.go")).toThrow(/ENOENT/);
});
