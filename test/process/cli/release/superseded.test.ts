import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dropSuperseded } from "../../../../cli/release/superseded.ts";
import type { Records, Release } from "../../../../git/records.ts";
import type { Rejection } from "../../../../git/release-record.ts";
import { SourceCheckout } from "../../../support/source-checkout.ts";

const digest = `sha256:${"1".repeat(64)}`;
const repository = "docker.io/acme/shop-link";
const release: Release = { service: "link", repository, digest };

let checkout: SourceCheckout;
let older: string;
let newer: string;
let side: string;
beforeAll(() => {
  checkout = new SourceCheckout();
  older = checkout.commit({ "svc/link": "1" });
  newer = checkout.commit({ "svc/link": "2" });
  checkout.git("checkout", "--quiet", "-b", "side", older);
  side = checkout.commit({ "svc/link": "3" });
  checkout.git("checkout", "--quiet", "main");
});
afterAll(() => checkout[Symbol.dispose]());

let notes: string[];
beforeEach(() => {
  notes = [];
});

async function released(
  commit: string,
  before: string | undefined,
  directory: string | undefined = checkout.root,
  rejected?: Rejection,
) {
  const records: Records = new Map([["link", { image: { repository, digest }, sourceCommit: before, rejected }]]);
  const note = (line: string): void => void notes.push(line);
  return (await dropSuperseded([release], records, { commit, directory, note })).map(({ service }) => service);
}

test("a service that runs a build of a newer commit stays as it is", async () => {
  expect(await released(older, newer)).toEqual([]);
  expect(notes).toEqual([`link stays as released from ${newer}, which is newer than ${older}`]);
});

test.each<[what: string, before: () => string | undefined]>([
  ["an older commit", () => older],
  ["the same commit", () => newer],
  ["a commit of another branch", () => side],
  ["nobody said what", () => undefined],
])("a service that runs a build of %s is released", async (_what, before) => {
  expect(await released(newer, before())).toEqual(["link"]);
  expect(notes).toEqual([]);
});

describe("a rollback", () => {
  const other = `sha256:${"2".repeat(64)}`;
  let fix: string;
  beforeAll(() => {
    fix = checkout.commit({ "svc/link": "4" });
  });

  const rolledBack = (commit: string, rejected: Rejection, directory = checkout.root): Promise<string[]> =>
    released(commit, undefined, directory, rejected);

  test("is not undone by a late build of the commit that it took away", async () => {
    expect(await rolledBack(newer, { digest: other, sourceCommit: newer }, "/")).toEqual([]);
    expect(notes).toEqual([
      `link stays as rolled back from ${newer}; \`delivery release\` without --source-commit runs it all the same`,
    ]);
  });

  test("is not undone by a build of a commit before that one, though it is newer than what runs", async () => {
    expect(await released(newer, older, checkout.root, { digest: other, sourceCommit: fix })).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(`^link stays as rolled back from ${fix}, which is newer than ${newer};`),
    ]);
  });

  test("is not undone by a later commit that makes the same image", async () => {
    expect(await rolledBack(fix, { digest, sourceCommit: newer })).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(`^link stays as rolled back from sha256:1{12}, which ${fix} makes, too`),
    ]);
  });

  test("ends with a later commit, or one of another branch", async () => {
    expect(await released(fix, older, checkout.root, { digest: other, sourceCommit: newer })).toEqual(["link"]);
    expect(await rolledBack(side, { digest: other, sourceCommit: newer })).toEqual(["link"]);
    expect(notes).toEqual([]);
  });

  test("ends with any commit where nobody said what was taken away, or where it is not known, which is said", async () => {
    expect(await rolledBack(older, { digest })).toEqual(["link"]);
    expect(notes).toEqual([]);
    expect(await rolledBack(newer, { digest: other, sourceCommit: "f".repeat(40) })).toEqual(["link"]);
    expect(notes).toEqual([expect.stringMatching(/^link was rolled back from f+, which this checkout does not know/)]);
  });
});

test("a commit that nobody knows is taken for older, and that is said", async () => {
  expect(await released(newer, "f".repeat(40))).toEqual(["link"]);
  expect(notes).toEqual([expect.stringMatching(/^link was released from f+, which this checkout does not know/)]);
});

test("outside of a checkout, too", async () => {
  expect(await released(older, newer, "/")).toEqual(["link"]);
  expect(await released(older, newer, "/no/such/directory")).toEqual(["link"]);
  expect(notes).toHaveLength(2);
});

test("a commit that was pushed after this checkout was made is fetched", async () => {
  using origin = new SourceCheckout();
  const first = origin.commit({ a: "1" });
  using other = new SourceCheckout();
  const clone = join(other.root, "clone");
  execFileSync("git", ["clone", "--quiet", `file://${origin.root}`, clone]);
  const second = origin.commit({ a: "2" });
  expect(await released(first, second, clone)).toEqual([]);
});
