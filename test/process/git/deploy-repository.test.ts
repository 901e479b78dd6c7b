import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commitToBranch, readBranch } from "../../../git/deploy-repository.ts";
import { snapshotOf } from "../../../git/snapshot.ts";
import { BareRepository } from "../../support/bare-repository.ts";

let repository: BareRepository;
beforeEach(() => {
  repository = new BareRepository();
});
afterEach(() => repository[Symbol.dispose]());

const target = (branch = "main") => ({ repository: repository.url, branch });
const write =
  (files: Record<string, string>, remove: string[] = []) =>
  async () => ({ write: files, remove, message: "change" });

describe("one commit on top of a branch", () => {
  test("starts the branch of an empty repository", async () => {
    const result = await commitToBranch(target(), write({ "dev/a.yaml": "a\n", "dev/b/c.yaml": "ü\n" }));
    expect(result).toEqual({ commit: repository.git("rev-parse", "main"), changed: true, retries: 0 });
    expect(repository.files()).toEqual({ "dev/a.yaml": "a\n", "dev/b/c.yaml": "ü\n" });
    expect(repository.git("log", "--format=%an %ae %cn")).toBe("delivery delivery@localhost delivery");
  });

  test("starts a branch of its own in the source repository, without the sources", async () => {
    repository.commit({ "main.go": "package main\n" });
    await commitToBranch(target("deploy/dev"), write({ "dev/a.yaml": "a\n" }));
    expect(repository.files("deploy/dev")).toEqual({ "dev/a.yaml": "a\n" });
    expect(repository.files()).toEqual({ "main.go": "package main\n" });
  });

  test("leaves the files and the history of others", async () => {
    const before = repository.commit({ README: "hello", "dev/a.yaml": "old", "dev/gone.yaml": "x" });
    await commitToBranch(target(), write({ "dev/a.yaml": "new" }, ["dev/gone.yaml", "dev/never-there.yaml"]));
    expect(repository.files()).toEqual({ README: "hello", "dev/a.yaml": "new" });
    expect(repository.git("rev-parse", "main^")).toBe(before);
  });

  test("is none when nothing changes", async () => {
    const before = repository.commit({ "dev/a.yaml": "a" });
    expect(await commitToBranch(target(), write({ "dev/a.yaml": "a" }, ["dev/b.yaml"]))).toEqual({
      commit: before,
      changed: false,
      retries: 0,
    });
    expect(repository.subjects()).toEqual(["by hand"]);
  });

  test.each([
    [
      "a file is where our directory goes",
      "dev",
      /^dev in the deploy repository is a file that someone else has put there; nothing was changed/,
    ],
    [
      "a directory is where our file goes",
      "dev/a.yaml/theirs",
      /^dev\/a\.yaml in the deploy repository is a directory that someone else/,
    ],
  ])("is refused when %s", async (_case, theirs, reason) => {
    repository.commit({ [theirs]: "theirs" });
    await expect(commitToBranch(target(), write({ "dev/a.yaml": "a" }))).rejects.toThrow(reason);
    expect(repository.files()).toEqual({ [theirs]: "theirs" });
  });

  test("leaves nothing on this machine", async () => {
    await commitToBranch(target(), write({ a: "a" }));
    await commitToBranch({ repository: "file:///no/such/repository", branch: "main" }, write({ a: "a" })).catch(
      () => {},
    );
    const own = readdirSync(tmpdir()).filter((name) => name.startsWith(`delivery-git-${process.pid}-`));
    expect(own).toEqual([]);
  });
});

describe("when the branch moves between fetch and push", () => {
  test("the change goes on top of what came in between", async () => {
    repository.commit({ "dev/a.yaml": "1" });
    let raced = 0;
    const beforePush = async () =>
      void (raced++ < 2 && repository.commit({ [`others/${raced}`]: "x" }, `other ${raced}`));
    const result = await commitToBranch(
      target(),
      async (snapshot) => ({ write: { "dev/a.yaml": `seen ${snapshot.entries.size}` }, message: "change" }),
      { beforePush },
    );
    expect(result.retries).toBe(2);
    expect(repository.subjects()).toEqual(["change", "other 2", "other 1", "by hand"]);
    expect(repository.files()).toEqual({ "dev/a.yaml": "seen 3", "others/1": "x", "others/2": "x" });
  });

  test("the same branch created by another is kept", async () => {
    let raced = false;
    const beforePush = async () => {
      if (!raced) repository.commit({ README: "first" });
      raced = true;
    };
    await commitToBranch(target(), write({ "dev/a.yaml": "a" }), { beforePush });
    expect(repository.files()).toEqual({ README: "first", "dev/a.yaml": "a" });
  });

  test("no second commit if another has made the same change", async () => {
    repository.commit({ README: "r" });
    let raced = false;
    const beforePush = async () => {
      if (!raced) repository.commit({ "dev/a.yaml": "a" }, "the same");
      raced = true;
    };
    expect((await commitToBranch(target(), write({ "dev/a.yaml": "a" }), { beforePush })).changed).toBe(false);
    expect(repository.subjects()).toEqual(["the same", "by hand"]);
  });

  test("it gives up at the last try, and says so", async () => {
    repository.commit({ README: "r" });
    let count = 0;
    const beforePush = async () => void repository.commit({ [`others/${count++}`]: "x" });
    await expect(commitToBranch(target(), write({ "dev/a.yaml": "a" }), { beforePush, attempts: 2 })).rejects.toThrow(
      `branch main of ${repository.url} was changed by others at each of 2 attempts; nothing was changed, run the same command again`,
    );
    expect(repository.files()).not.toHaveProperty("dev/a.yaml");
  });
});

describe("when the answer to a push is lost", () => {
  /** The server has taken the push, does this, and ends without a word. */
  function loseAnswer(then = ""): void {
    mkdirSync(join(repository.path, "hooks"));
    writeFileSync(join(repository.path, "hooks/post-receive"), `#!/bin/sh\n${then}\nkill -9 $PPID\n`, { mode: 0o755 });
  }

  /** Each time another change: made once more, the second would undo the first. */
  function counted(): { decide: () => ReturnType<ReturnType<typeof write>>; calls: () => number } {
    let calls = 0;
    return { decide: async () => write({ "dev/a.yaml": `${++calls}` })(), calls: () => calls };
  }

  test("the change is made once, and known to be made", async () => {
    repository.commit({ "dev/a.yaml": "0" });
    loseAnswer();
    const { decide, calls } = counted();
    const result = await commitToBranch(target(), decide);
    expect(result).toEqual({ commit: repository.git("rev-parse", "main"), changed: true, retries: 1 });
    expect(calls()).toBe(1);
    expect(repository.subjects()).toEqual(["change", "by hand"]);
  });

  test("it is known also when others have committed on top of it at once", async () => {
    repository.commit({ "dev/a.yaml": "0" });
    loseAnswer(`export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git update-ref refs/heads/main $(git commit-tree -p main -m other "main^{tree}")`);
    const { decide, calls } = counted();
    const result = await commitToBranch(target(), decide);
    expect(result).toEqual({ commit: repository.git("rev-parse", "main^"), changed: true, retries: 1 });
    expect(calls()).toBe(1);
    expect(repository.subjects()).toEqual(["other", "change", "by hand"]);
  });

  test("so is the first commit of a branch", async () => {
    loseAnswer();
    expect(await commitToBranch(target(), counted().decide)).toMatchObject({ changed: true });
    expect(repository.subjects()).toEqual(["change"]);
  });

  test("so is one for a branch of its own", async () => {
    repository.commit({ "dev/a.yaml": "0" });
    loseAnswer();
    const result = await commitToBranch(target(), counted().decide, { pushTo: "proposal" });
    expect(result).toMatchObject({ commit: repository.git("rev-parse", "proposal"), changed: true });
    expect(repository.subjects()).toEqual(["by hand"]);
  });

  test("and nobody can look, the error does not say that nothing was changed", async () => {
    repository.commit({ "dev/a.yaml": "0" });
    loseAnswer(`mv "$PWD" "$PWD.away"`);
    const failure = await commitToBranch(target(), counted().decide).catch(String);
    expect(failure).toMatch(
      /branch main of file:.* may have got commit [0-9a-f]{40}, or not: the answer was lost\. Look /,
    );
    expect(failure).not.toContain("nothing was changed");
  });
});

describe("a repository that cannot be used gets one clear error", () => {
  test("none there", async () => {
    await expect(
      readBranch({ repository: "file:///no/such/repository", branch: "main" }, async () => {}),
    ).rejects.toThrow(/^file:\/\/\/no\/such\/repository is no Git repository.*create it/);
  });

  test("nobody listening", async () => {
    await expect(
      commitToBranch({ repository: "http://127.0.0.1:9/deploy.git", branch: "main" }, write({ a: "a" }), {}),
    ).rejects.toThrow(/^http:\/\/127\.0\.0\.1:9\/deploy\.git cannot be reached; .*nothing was changed/);
  });

  test("a checked out branch, which Git protects", async () => {
    repository.commit({ README: "r" });
    repository.git("config", "core.bare", "false");
    repository.git("config", "receive.denyCurrentBranch", "refuse");
    await expect(commitToBranch(target(), write({ a: "a" }))).rejects.toThrow(
      /refuses pushes to main: the branch is protected/,
    );
  });
});

test("a snapshot asks Git for each content once, under whichever paths it is", async () => {
  repository.commit({ a: "same", b: "same", c: "other" });
  const asked: string[] = [];
  await readBranch(target(), async ({ commit }, git) => {
    const counted: typeof git = (args, input) => {
      if (args[0] === "cat-file") asked.push(String(input));
      return git(args, input);
    };
    const snapshot = await snapshotOf(counted, commit);
    expect(await snapshot.read(["a", "b"])).toEqual(new Map(Object.entries({ a: "same", b: "same" })));
    expect(await snapshot.read(["b", "c"])).toEqual(new Map(Object.entries({ b: "same", c: "other" })));
    expect(await snapshot.read(["a", "c", "no"])).toEqual(new Map(Object.entries({ a: "same", c: "other" })));
  });
  expect(asked.map((input) => input.trim().split("\n").length)).toEqual([1, 1]);
});

test("a snapshot reads contents, also binary-like and empty ones", async () => {
  repository.commit({ a: "", b: "x\ny\n", "c/ü": "\u{1F600}" });
  await readBranch(target(), async (snapshot) => {
    expect([...snapshot.entries.keys()]).toEqual(["a", "b", "c/ü"]);
    expect(await snapshot.read(["a", "b", "c/ü", "no"])).toEqual(
      new Map([
        ["a", ""],
        ["b", "x\ny\n"],
        ["c/ü", "\u{1F600}"],
      ]),
    );
  });
});
