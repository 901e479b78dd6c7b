import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSourceRepository } from "../../../git/source-repository.ts";
import { SourceCheckout } from "../../support/source-checkout.ts";

let checkout: SourceCheckout;
let commits: [string, string, string, string];
let side: string;

beforeAll(() => {
  checkout = new SourceCheckout();
  const first = checkout.commit({ "shop/a": "1", "shop/old": "moved", outside: "1" });
  const second = checkout.commit({ "shop/a": "2", outside: "2" });
  const third = checkout.commit({ "shop/old": undefined, 'shop/new name\n"ü': "moved", "shopping/x": "1" });
  const fourth = checkout.commit({ "shop/deep/er/b": "1" });
  commits = [first, second, third, fourth];
  checkout.git("checkout", "--quiet", "-b", "side", second);
  side = checkout.commit({ "shop/side": "1" });
  checkout.git("checkout", "--quiet", "--orphan", "alone");
  checkout.commit({ "shop/alone": "1" });
  checkout.git("checkout", "--quiet", "main");
});
afterAll(() => checkout[Symbol.dispose]());

const shop = () => openSourceRepository(join(checkout.root, "shop"));
const zeros = "0".repeat(40);

test("knows where the monorepo is in its checkout", async () => {
  expect(await shop()).toMatchObject({ root: checkout.root, prefix: "shop/" });
  expect(await openSourceRepository(checkout.root)).toMatchObject({ root: checkout.root, prefix: "" });
});

test("resolves what Git takes for a commit, and nothing else", async () => {
  const names = ["HEAD", "side", commits[1].slice(0, 10), commits[0]];
  const unknown = [zeros, "f".repeat(40), "", "--all", "nope", "HEAD:shop/a", "HEAD\nside", `${commits[0]}^{tree}`];
  expect(Object.fromEntries(await (await shop()).resolve([...names, ...unknown]))).toEqual({
    HEAD: commits[3],
    side,
    [commits[1].slice(0, 10)]: commits[1],
    [commits[0]]: commits[0],
  });
});

test("tells the files of the monorepo that changed since several bases; a rename counts at both places", async () => {
  const changes = await (await shop()).changedSince([commits[0], "HEAD", "HEAD~2", "HEAD~1", zeros, "nope"], "HEAD");
  expect(Object.fromEntries([...changes].map(([base, files]) => [base, files.toSorted()]))).toEqual({
    [commits[0]]: ["a", "deep/er/b", 'new name\n"ü', "old"],
    "HEAD~2": ["deep/er/b", 'new name\n"ü', "old"],
    "HEAD~1": ["deep/er/b"],
    HEAD: [],
  });
  expect(await (await shop()).changedSince([], "HEAD")).toEqual(new Map());
});

test("what was changed and changed back in between does not count; bases need not be ancestors of each other", async () => {
  using other = new SourceCheckout();
  const base = other.commit({ a: "1", b: "1" });
  const changed = other.commit({ a: "2", c: "1" });
  const back = other.commit({ a: "1", b: undefined });
  const again = other.commit({ b: "1", c: undefined });
  other.git("checkout", "--quiet", "-b", "aside", base);
  const aside = other.commit({ a: "3", d: "1" });
  const bases = [base, changed, back, again, aside];
  const repository = await openSourceRepository(other.root);
  for (const to of bases) {
    const alone = bases.map((one): [string, string[]] => [
      one,
      other.git("diff", "--name-only", "--no-renames", one, to).split("\n").filter(Boolean),
    ]);
    const changes = await repository.changedSince(bases, to);
    expect([...changes].map(([one, files]) => [one, files.toSorted()])).toEqual(alone);
  }
});

test("a user's settings of Git do not change what it tells", async () => {
  checkout.git("config", "diff.renames", "copies");
  checkout.git("config", "diff.external", "false");
  checkout.git("config", "core.quotePath", "true");
  const changes = await (await shop()).changedSince([commits[1]], commits[2]);
  expect(changes.get(commits[1])?.toSorted()).toEqual(['new name\n"ü', "old"]);
});

test("an unknown commit to compare with is an error that says so", async () => {
  await expect((await shop()).changedSince(["HEAD"], "nope")).rejects.toThrow(
    '"nope" is no commit of this checkout; fetch it, or correct the name',
  );
});

test("knows ancestors, and where two commits part", async () => {
  const repository = await shop();
  expect(await repository.isAncestor(commits[0], commits[3])).toBe(true);
  expect(await repository.isAncestor(commits[3], commits[3])).toBe(true);
  expect(await repository.isAncestor(commits[3], commits[0])).toBe(false);
  expect(await repository.isAncestor(side, "main")).toBe(false);
  expect(await repository.isAncestor(zeros, "main")).toBeUndefined();
  expect(await repository.ancestorsOf("main", [...commits, side, "alone", "nope"])).toEqual(new Set(commits));
  expect(await repository.mergeBase("side", "main")).toBe(commits[1]);
  expect(await repository.mergeBase("side", "alone")).toBeUndefined();
  expect(await repository.mergeBase("side", "nope")).toBeUndefined();
});

test("a shallow clone says what it does not know", async () => {
  using clone = new SourceCheckout();
  clone.git("fetch", "--quiet", "--depth=2", `file://${checkout.root}`, "main", "side");
  clone.git("checkout", "--quiet", commits[3]);
  const repository = await openSourceRepository(clone.root);
  expect(await repository.isAncestor(commits[2], "HEAD")).toBe(true);
  expect(await repository.isAncestor(commits[0], "HEAD")).toBeUndefined();
  // Its parents are cut off.
  expect(await repository.isAncestor(side, "HEAD")).toBeUndefined();
  expect(await repository.changedSince([commits[0]], "HEAD")).toEqual(new Map());
});

test("is not led astray by the variables of another repository's hook", async () => {
  process.env["GIT_DIR"] = "/nowhere";
  try {
    expect(await (await shop()).resolve(["HEAD"])).toEqual(new Map([["HEAD", commits[3]]]));
  } finally {
    delete process.env["GIT_DIR"];
  }
});

test("a directory in no checkout is an error that says so", async () => {
  const directory = mkdtempSync(join(tmpdir(), "no-checkout-"));
  await expect(openSourceRepository(directory)).rejects.toThrow(
    `${directory} is in no checkout of Git; run this in a clone of the source repository`,
  );
  rmSync(directory, { recursive: true });
});
