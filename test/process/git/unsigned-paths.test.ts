import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { commitToBranch, readBranch } from "../../../git/deploy-repository.ts";
import type { Signing } from "../../../git/signing-keys.ts";
import { unsignedPaths } from "../../../git/unsigned-paths.ts";
import { BareRepository } from "../../support/bare-repository.ts";
import { gpgKeyPair, sshKeyPair } from "../../support/signing-keys.ts";

const prod = sshKeyPair();
const dev = gpgKeyPair();
const stranger = sshKeyPair();
const signing: Signing = { keys: { prod: prod.publicKey }, others: { dev: dev.publicKey } };

let repository: BareRepository;
beforeEach(() => {
  repository = new BareRepository();
});
afterEach(() => repository[Symbol.dispose]());

/** @param seal whether it vouches for what `prod` has */
const commit = async (path: string, text: string, pair: { privateKey: string; publicKey: string }, seal = false) => {
  const keys = { own: pair.publicKey };
  const branch = {
    repository: repository.url,
    branch: "main",
    signing: { keys, others: {}, privateKey: pair.privateKey },
  };
  await commitToBranch(branch, async () => ({
    write: { [path]: text },
    message: seal ? "seal\n\nDelivery-Seal: prod\n" : "change\n",
    seals: true,
  }));
};
const found = async (): Promise<Record<string, string>> => {
  const paths = await readBranch(
    { repository: repository.url, branch: "main", signing },
    (snapshot, git) => unsignedPaths(git, signing, snapshot.commit ?? "", "prod"),
    "whole history",
  );
  return Object.fromEntries(paths.map(({ path, problem }) => [path, problem.replace(/ [\w:+/]{16,}/, "")]));
};

test("names what was changed last by a commit without a signature, by an unknown key, or by one of another environment", async () => {
  await commit("prod/a", "1", prod);
  await commit("prod/b", "1", stranger);
  await commit("prod/c", "1", dev);
  await commit("dev/d", "1", dev);
  repository.commit({ "prod/e": "1", "dev/f": "1", "prod/*": "1" });
  const foreign = "is signed by the key, which gitops.signing.keys does not list";
  expect(await found()).toEqual({
    "prod/b": foreign,
    "prod/c": foreign,
    "prod/e": "is not signed",
    "prod/*": "is not signed",
  });
  // Whoever may change them puts it right.
  for (const path of ["prod/b", "prod/c", "prod/e", "prod/*"]) await commit(path, "2", prod);
  expect(await found()).toEqual({});
});

test("a signed commit vouches for what is older than it, if it says so and is of a key that may", async () => {
  repository.commit({ "prod/a": "1", "prod/b": "1" });
  await commit("prod/note", "1", dev, true);
  expect(Object.keys(await found())).toEqual(["prod/note", "prod/a", "prod/b"]);
  await commit("prod/note", "2", prod);
  expect(Object.keys(await found())).toEqual(["prod/a", "prod/b"]);
  await commit("prod/note", "3", prod, true);
  expect(await found()).toEqual({});
  repository.commit({ "prod/b": "2" });
  expect(await found()).toEqual({ "prod/b": "is not signed" });
});

test("a merge that nobody has signed counts for what it brings, whichever of its sides comes first", async () => {
  await commit("prod/a", "released", prod);
  const released = repository.git("rev-parse", "main");
  repository.commit({ "prod/a": "theirs" }, "by hand", "theirs");
  const tree = repository.git("rev-parse", "theirs^{tree}");
  const identity = ["-c", "user.name=Someone", "-c", "user.email=someone@example.com"];
  for (const parents of [
    [released, "theirs"],
    ["theirs", released],
  ]) {
    const merge = repository.git(
      ...identity,
      "commit-tree",
      tree,
      ...parents.flatMap((one) => ["-p", one]),
      "-m",
      "merge",
    );
    repository.git("update-ref", "refs/heads/main", merge);
    expect(await found()).toEqual({ "prod/a": "is not signed" });
  }
});

test("a signature that is taken from another commit is not of this content", async () => {
  await commit("prod/a", "1", prod);
  const object = repository.git("cat-file", "commit", "main");
  const forged = execFileSync("git", ["--git-dir", repository.path, "hash-object", "-t", "commit", "-w", "--stdin"], {
    input: `${object.replace(/^change$/m, "another")}\n`,
    encoding: "utf8",
  });
  repository.git("update-ref", "refs/heads/main", forged.trim());
  expect((await found())["prod/a"]).toBe("has a signature of the key that is not of this content");
});
