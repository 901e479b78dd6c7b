import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { dropSuperseded } from "../../../cli/release/superseded.ts";
import { deliveredBranch } from "../../../git/delivered-branch.ts";
import type { ReleaseRecord } from "../../../git/release-record.ts";
import { BareRepository } from "../../support/bare-repository.ts";
import { SourceCheckout } from "../../support/source-checkout.ts";

let origin: BareRepository;
let checkout: SourceCheckout;
const home = mkdtempSync(join(tmpdir(), "git-home-"));
beforeEach(() => {
  vi.stubEnv("HOME", home);
  origin = new BareRepository();
  checkout = new SourceCheckout();
  checkout.commit({ "svc/link/f": "1" });
});
afterEach(() => {
  vi.unstubAllEnvs();
  origin[Symbol.dispose]();
  checkout[Symbol.dispose]();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const push = (...refspecs: string[]): void => {
  if (checkout.git("remote") === "") checkout.git("remote", "add", "origin", origin.url);
  checkout.git("push", "--quiet", "--force", "origin", ...refspecs);
};

test.each(["master", "trunk", "release/2", "main"])("the remote's default branch %s is delivered", async (branch) => {
  origin.git("symbolic-ref", "HEAD", `refs/heads/${branch}`);
  push(`HEAD:refs/heads/${branch}`);
  push("HEAD:refs/heads/main");
  expect(await deliveredBranch(undefined, join(checkout.root, "svc"))).toBe(branch);
  expect(await deliveredBranch("production", checkout.root)).toBe("production");
});

test("the only remote is asked, whatever it is called, and origin before others", async () => {
  origin.git("symbolic-ref", "HEAD", "refs/heads/trunk");
  checkout.git("remote", "add", "upstream", origin.url);
  checkout.git("push", "--quiet", "upstream", "HEAD:refs/heads/trunk");
  expect(await deliveredBranch(undefined, checkout.root)).toBe("trunk");
  checkout.git("remote", "add", "mine", "file:///nowhere.git");
  // Neither says more than the other.
  expect(await deliveredBranch(undefined, checkout.root)).toBe("main");
  checkout.git("remote", "rename", "upstream", "origin");
  expect(await deliveredBranch(undefined, checkout.root)).toBe("trunk");
});

test("without a remote it is main, or the only branch, and nothing else is taken for it", async () => {
  expect(await deliveredBranch(undefined, checkout.root)).toBe("main");
  checkout.git("branch", "feature");
  expect(await deliveredBranch(undefined, checkout.root)).toBe("main");
  checkout.git("branch", "--move", "main", "trunk");
  await expect(deliveredBranch(undefined, checkout.root)).rejects.toThrow(
    /has no remote origin, and has the branches feature, trunk; set github\.branch in the stack file/,
  );
  checkout.git("branch", "--delete", "feature");
  expect(await deliveredBranch(undefined, checkout.root)).toBe("trunk");
  checkout.git("checkout", "--quiet", "--detach");
  checkout.git("branch", "--delete", "trunk");
  await expect(deliveredBranch(undefined, checkout.root)).rejects.toThrow(/is on no branch; set github\.branch/);
  await expect(deliveredBranch(undefined, home)).rejects.toThrow(/set github\.branch/);
});

test("a remote that does not answer is taken for what the clone was told, or is an error that names the key", async () => {
  push("HEAD:refs/heads/main");
  checkout.git("remote", "set-url", "origin", "file:///nowhere.git");
  // That there is a branch main does not say that it is the default.
  await expect(deliveredBranch(undefined, checkout.root)).rejects.toThrow(
    /the remote origin of .* does not say which one is its default; set github\.branch in the stack file/,
  );
  checkout.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/release/2");
  expect(await deliveredBranch(undefined, checkout.root)).toBe("release/2");
});

const digest = `sha256:${"c".repeat(64)}`;

/** What is released of `commit` where the record is so. */
async function released(commit: string, record: Partial<ReleaseRecord>): Promise<{ count: number; notes: string[] }> {
  const image = { repository: "docker.io/acme/shop-link", digest: `sha256:${"b".repeat(64)}` };
  const notes: string[] = [];
  const releases = await dropSuperseded(
    [{ service: "link", repository: image.repository, digest }],
    new Map([["link", { image, ...record }]]),
    { commit, directory: checkout.root, note: (line) => notes.push(line) },
  );
  return { count: releases.length, notes };
}

test.each(["main", "master"])("a forced push that sets %s back wins over what it drops", async (branch) => {
  origin.git("symbolic-ref", "HEAD", `refs/heads/${branch}`);
  origin.git("config", "uploadpack.allowAnySHA1InWant", "true");
  const good = checkout.git("rev-parse", "HEAD");
  const worse = checkout.commit({ "svc/link/f": "2" });
  const bad = checkout.commit({ "svc/link/f": "3" });
  push(`${bad}:refs/heads/${branch}`);
  // As long as the branch has it, what is newer stays.
  expect(await released(good, { sourceCommit: bad })).toMatchObject({ count: 0 });
  expect(await released(good, { sourceCommit: good, rejected: { digest: "", sourceCommit: worse } })).toMatchObject({
    count: 0,
  });
  push(`${good}:refs/heads/${branch}`);
  for (const dropped of [worse, bad, bad.slice(0, 10)]) {
    const { count, notes } = await released(good, { sourceCommit: dropped });
    expect(count).toBe(1);
    expect(notes).toEqual([
      `link was released from ${dropped}, which is no longer on the branch, where ${good} is: that counts`,
    ]);
    expect(await released(good, { sourceCommit: good, rejected: { digest: "", sourceCommit: dropped } })).toMatchObject(
      { count: 1 },
    );
  }
  // A late pipeline of what was dropped, too, is judged by the history.
  expect(await released(worse, { sourceCommit: bad })).toMatchObject({ count: 0 });
});
