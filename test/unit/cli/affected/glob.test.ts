import { describe, expect, test } from "vitest";
import { glob, pathPattern } from "../../../../cli/affected/glob.ts";

describe("a glob", () => {
  test.each<[pattern: string, paths: string[], others: string[]]>([
    ["proto/**", ["proto/a.proto", "proto/v1/a.proto"], ["proto", "proton/a", "svc/proto/a"]],
    ["proto", ["proto", "proto/v1/a.proto"], ["proto.md", "a/proto"]],
    ["./proto/", ["proto/a"], []],
    ["**/*.sql", ["a.sql", "db/v1/a.sql"], ["a.sqlite"]],
    ["db/*.sql", ["db/a.sql", "db/.a.sql"], ["db/v1/a.sql"]],
    ["db/**/a.sql", ["db/a.sql", "db/v1/v2/a.sql"], ["dba.sql"]],
    ["{db,sql}/v?", ["db/v1", "sql/v2/a"], ["db/v10", "db/v/"]],
    ["db/[a-c]x", ["db/ax"], ["db/dx"]],
    ["db/[!a]x", ["db/bx"], ["db/ax"]],
    ["a+b(c).d", ["a+b(c).d"], ["aab(c).d", "a+b(c)xd"]],
    ["ä/*.ü", ["ä/x.ü"], ["a/x.u"]],
    [String.raw`a\*b`, ["a*b"], ["axb"]],
    ["db/**.sql", ["db/a.sql", "db/v1/v2/a.sql"], ["a.sql"]],
    ["{**/*.sql,Makefile}", ["a.sql", "db/v1/a.sql", "Makefile"], ["db/Makefile"]],
    ["{a,b/{c,d}}/e", ["a/e", "b/c/e", "b/d/e/f"], ["b/e", "c/e"]],
    ["{,a}b", ["b", "ab"], ["a"]],
    ["!a*", ["!a", "!ab"], ["b"]],
    ["!(a|b)*", ["!(a|b)c"], ["c"]],
    ['"a"*', ['"a"b'], ["ab"]],
    ["a.b/***", ["a.b/c"], ["axb/c"]],
    ["[z-a]", [], ["a", "z"]],
    ["", [], ["a"]],
  ])("%j takes what it means", (pattern, paths, others) => {
    const matches = glob(pattern);
    expect(paths.filter((path) => !matches(path))).toEqual([]);
    expect(others.filter(matches)).toEqual([]);
  });
});

test.each<[pattern: string, root: string, into: string[], notInto: string[]]>([
  ["libs/sub/**", "libs/sub", ["libs", "libs/sub", "libs/sub/a"], ["lib", "libs/other"]],
  ["./libs/*/proto/", "libs", ["libs/a", "libs/a/proto/deep"], ["libs/a/b"]],
  ["**/*.sql", ".", ["db", "a/b/c"], []],
  ["{a/b,c}/d", ".", ["a/b", "x"], []],
  ["db", "db", ["db/v1"], ["x"]],
])("of the glob %j it is known in which directories it may mean something", (pattern, root, into, notInto) => {
  const { reachesInto, ...known } = pathPattern(pattern);
  expect(known).toMatchObject({ path: pattern, root });
  expect([...into, ...notInto].filter(reachesInto)).toEqual(into);
  expect(into.filter(glob(pattern)).every(known.means)).toBe(true);
});
