import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { withoutOlder } from "../../cli/newest-source.ts";
import type { Records, Release } from "../../git/records.ts";
import { SourceCheckout } from "../source-checkout.ts";

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

async function released(commit: string, before: string | undefined, directory: string | undefined = checkout.root) {
  const records: Records = new Map([["link", { image: { repository, digest }, sourceCommit: before }]]);
  const note = (line: string): void => void notes.push(line);
  return (await withoutOlder([release], records, { commit, directory, note })).map(({ service }) => service);
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
