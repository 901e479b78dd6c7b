import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory, writeFileAtomically } from "../../../core/atomic-file.ts";

test("a file is written with the directories around it, replaces the one before, and leaves nothing beside it", () => {
  using directory = temporaryDirectory("delivery-test-");
  const file = join(directory.path, "a", "b.json");
  writeFileAtomically(file, "one", 0o600);
  writeFileAtomically(file, "two", 0o600);
  expect(readFileSync(file, "utf8")).toBe("two");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(directory.path, "a"))).toEqual(["b.json"]);
});

test("what cannot be written leaves nothing behind", () => {
  using directory = temporaryDirectory("delivery-test-");
  const taken = join(directory.path, "taken");
  mkdirSync(join(taken, "inside"), { recursive: true });
  expect(() => writeFileAtomically(taken, "text")).toThrow(/taken/);
  expect(readdirSync(directory.path)).toEqual(["taken"]);
});

test("a temporary directory is for its owner, and gone at the end", () => {
  const directory = temporaryDirectory("delivery-test-");
  expect(statSync(directory.path).mode & 0o777).toBe(0o700);
  directory[Symbol.dispose]();
  expect(existsSync(directory.path)).toBe(false);
});

test("many temporary directories at once wait for the end of the process with one listener", () => {
  const before = process.listenerCount("exit");
  const directories = Array.from({ length: 12 }, () => temporaryDirectory("delivery-test-"));
  expect(process.listenerCount("exit")).toBe(before + 1);
  directories.forEach((directory) => directory[Symbol.dispose]());
  expect(process.listenerCount("exit")).toBe(before);
  expect(directories.filter(({ path }) => existsSync(path))).toEqual([]);
});
