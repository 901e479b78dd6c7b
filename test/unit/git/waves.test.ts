import { expect, test } from "vitest";
import { recordPath } from "../../../git/release-record.ts";
import type { TreeEntry } from "../../../git/snapshot.ts";
import { laterWaves, waveDirectory } from "../../../git/waves.ts";

const entry: TreeEntry = { mode: "100644", object: "0" };

test("the first wave is the environment's own directory", () => {
  expect([1, 2, 10].map((number) => waveDirectory("prod", number))).toEqual(["prod", "prod.wave-2", "prod.wave-10"]);
});

test("the later waves are those with release records, in the order of their numbers", () => {
  const paths = [
    recordPath("prod", "link"),
    recordPath("prod.wave-10", "link"),
    recordPath("prod.wave-2", "link"),
    recordPath("prod.wave-2", "user"),
    "prod.wave-3/link/deployment.yaml",
    recordPath("prod.wave-02", "link"),
    recordPath("prod.wave-x", "link"),
    recordPath("prod-eu.wave-4", "link"),
    recordPath("dev.wave-5", "link"),
  ];
  expect(laterWaves({ entries: new Map(paths.map((path) => [path, entry])) }, "prod")).toEqual([
    { number: 2, directory: "prod.wave-2" },
    { number: 10, directory: "prod.wave-10" },
  ]);
});
