import { expect, test } from "vitest";
import { fileChanges, manifestsOf } from "../../../../cli/preview/manifest-diff.ts";
import type { Step } from "../../../../cli/preview/step.ts";

function changeOf(before: string | undefined, after: string | undefined): object[] {
  const files = (text: string | undefined) => new Map(text === undefined ? [] : [["dev/link/service.yaml", text]]);
  return fileChanges({ directory: "dev", before: files(before), after: files(after) }).map(({ state, diff }) => ({
    state,
    diff: diff.split("\n"),
  }));
}

const lines = (count: number, prefix = "line "): string =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}\n`).join("");

test("changes far from each other are hunks of their own, with three lines around them", () => {
  const after = lines(20).replace("line 2\n", "line two\n").replace("line 15\n", "");
  expect(changeOf(lines(20), after)).toEqual([
    {
      state: "changed",
      diff: [
        "@@ -1 +1 @@",
        " line 1",
        "-line 2",
        "+line two",
        " line 3",
        " line 4",
        " line 5",
        "@@ -12 +12 @@",
        " line 12",
        " line 13",
        " line 14",
        "-line 15",
        " line 16",
        " line 17",
        " line 18",
      ],
    },
  ]);
});

test("a file that comes or goes is added or removed as a whole", () => {
  expect(changeOf(undefined, "a\nb\n")).toEqual([{ state: "added", diff: ["@@ -1 +1 @@", "+a", "+b"] }]);
  expect(changeOf("a\n", undefined)).toEqual([{ state: "removed", diff: ["@@ -1 +1 @@", "-a"] }]);
  expect(changeOf("a\n", "a\n")).toEqual([]);
});

test("a last line without an end says so", () => {
  expect(changeOf("a\nb", "a\nb\n")).toEqual([
    { state: "changed", diff: ["@@ -1 +1 @@", " a", "-b (no newline at the end)", "+b"] },
  ]);
});

test("of two thousand changed lines, each is compared; of more, the file is shown as replaced", () => {
  const unchanged = lines(10, "same ");
  const [within] = changeOf(`${unchanged}${lines(1000, "old ")}`, `${unchanged}${lines(1000, "new ")}`);
  expect(within).toMatchObject({ diff: expect.arrayContaining(["@@ -8 +8 @@", " same 8", "-old 1", "+new 1000"]) });
  const [beyond] = changeOf(`${unchanged}${lines(1001, "old ")}`, `${unchanged}${lines(1000, "new ")}`);
  expect(beyond).toMatchObject({
    diff: [
      "@@ -1 +1 @@",
      "(more than 2000 lines differ: the file is shown as replaced, and not compared line by line)",
      "-same 1",
      ...Array.from({ length: 2019 }, () => expect.any(String)),
      "+new 1000",
    ],
  });
});

test("of several waves of clusters, which have the same manifests, those of the first one are shown", () => {
  const step = (directory: string): Step => ({
    urn: `urn:pulumi:prod::delivery::pulumi-nodejs:dynamic/delivery:GitManifests::${directory}`,
    type: "pulumi-nodejs:dynamic/delivery:GitManifests",
    name: directory,
    action: "create",
    ancestors: [],
    custom: true,
    before: undefined,
    outputs: undefined,
    changes: [],
    after: { directory, files: { [`${directory}/link/service.yaml`]: "kind: Service\n" } },
  });
  const { directory, after } = manifestsOf([step("prod.wave-2"), step("prod")]);
  expect([directory, [...after.keys()]]).toEqual(["prod", ["prod/link/service.yaml"]]);
});
