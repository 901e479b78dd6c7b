import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryDirectory } from "../../../../core/atomic-file.ts";
import { publish } from "../../../../sandbox/monorepo/publish.ts";

const directory = temporaryDirectory("publish-test-");
afterAll(() => directory[Symbol.dispose]());

const at = (name: string): string => join(directory.path, name);
const git = (...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { stdio: "pipe" })
    .toString()
    .trim();

test("a directory becomes the head of a repository; what others push since stays until there is something new", async () => {
  git("init", "--quiet", "--bare", "--initial-branch=main", at("bare.git"));
  const access = { url: `file://${at("bare.git")}`, user: "delivery", token: "token" };
  mkdirSync(at("source"));
  writeFileSync(at("source/.gitignore"), "*.log\n");
  writeFileSync(at("source/kept.log"), "1");
  const first = await publish(at("source"), access, "First\n\n[skip ci]");
  const head = (): string => git("--git-dir", at("bare.git"), "rev-parse", "main");
  expect(first).toEqual({ commit: head(), isNew: true });
  expect(git("--git-dir", at("bare.git"), "ls-tree", "--name-only", "main")).toBe(".gitignore\nkept.log");
  expect(await publish(at("source"), access, "Again")).toEqual({ commit: first.commit, isNew: false });

  git("clone", "--quiet", at("bare.git"), at("clone"));
  writeFileSync(at("clone/demo"), "");
  git("-C", at("clone"), "add", ".");
  git("-C", at("clone"), "commit", "--quiet", "--message=demo");
  git("-C", at("clone"), "push", "--quiet", "origin", "main");
  const demo = head();
  expect(await publish(at("source"), access, "Nothing new")).toEqual({ commit: first.commit, isNew: false });
  expect(head()).toBe(demo);

  writeFileSync(at("source/kept.log"), "2");
  const next = await publish(at("source"), access, "Next");
  expect(next).toEqual({ commit: head(), isNew: true });
  expect(git("--git-dir", at("bare.git"), "rev-parse", "main^")).toBe(demo);
  expect(git("--git-dir", at("bare.git"), "log", "-1", "--format=%an %s", "main")).toBe("delivery Next");
  expect(git("--git-dir", at("bare.git"), "ls-tree", "--name-only", "main")).toBe(".gitignore\nkept.log");
  expect(readFileSync(at("source/kept.log"), "utf8")).toBe("2");

  rmSync(at("source/kept.log"));
  expect(await publish(at("source"), access, "Less")).toMatchObject({ isNew: true });
  expect(git("--git-dir", at("bare.git"), "ls-tree", "--name-only", "main")).toBe(".gitignore");
});
