import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { parsePush, pushesFolder, watchPushes, type Push } from "../../../../../sandbox/stand-ins/git-server/pushes.ts";
import {
  ensureRepository,
  removeStaleLocks,
  repositoryPath,
} from "../../../../../sandbox/stand-ins/git-server/repositories.ts";
import {
  parseHead,
  serveGit,
  userOf,
  type GitHttp,
  type GitUser,
} from "../../../../../sandbox/stand-ins/git-server/server.ts";

const run = promisify(execFile);
const writer: GitUser = { name: "delivery", token: "right", access: "write" };
const previews: GitUser = {
  name: "x-access-token",
  token: "of-previews",
  access: "write",
  pushes: { repository: "team/deploy", directory: "previews" },
};
const reader: GitUser = { name: "argocd", token: "also-right", access: "read" };
const identity = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@b" };

let folder: string;
let root: string;
let server: GitHttp;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "git-server-"));
  root = join(folder, "git");
  mkdirSync(pushesFolder(root), { recursive: true });
  await ensureRepository(root, { name: "team/deploy", branches: ["main"] });
  server = await serveGit({ port: 0, root, users: [writer, reader, previews], log: () => undefined });
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const urlFor = ({ name, token }: GitUser): string =>
  `${server.url.replace("//", `//${name}:${token}@`)}/team/deploy.git`;

async function git(...args: string[]): Promise<string> {
  const env = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_TERMINAL_PROMPT: "0", ...identity };
  const { stdout } = await run("git", ["-C", folder, ...args], { env });
  return stdout.trim();
}

/** A commit in the work tree; the one before is its parent. */
async function commit(message: string): Promise<string> {
  if (!existsSync(join(folder, "work"))) await git("init", "-q", "-b", "main", "work");
  await git("-C", "work", "commit", "-q", "--allow-empty", "-m", message);
  return git("-C", "work", "rev-parse", "HEAD");
}

const push = (user: GitUser, ...refs: string[]): Promise<string> =>
  git("-C", "work", "push", "-q", urlFor(user), ...refs);

async function statusOf(path: string, user?: GitUser): Promise<number> {
  const headers = user === undefined ? {} : { authorization: `Basic ${btoa(`${user.name}:${user.token}`)}` };
  const answer = await fetch(`${server.url}${path}`, { headers });
  await answer.arrayBuffer();
  return answer.status;
}

describe("access", () => {
  const refs = "/team/deploy.git/info/refs?service=git-upload-pack";

  test.each([
    ["nobody", 401, refs, undefined],
    ["a wrong token", 401, refs, { ...writer, token: "wrong" }],
    ["another user's token", 401, refs, { ...writer, token: reader.token }],
    ["a reader who reads", 200, refs, reader],
    ["a reader who pushes", 403, "/team/deploy.git/info/refs?service=git-receive-pack", reader],
    ["an unknown repository", 404, "/team/other.git/info/refs?service=git-upload-pack", writer],
    ["a file of the repository", 404, "/team/deploy.git/config", writer],
    ["a path that climbs out", 404, "/..%2f..%2fteam/deploy.git/info/refs", writer],
    ["the health check", 200, "/healthz", undefined],
  ])("%s gets %i", async (_who, status, path, user) => {
    expect(await statusOf(path, user)).toBe(status);
  });

  test("a request for the head alone gets that of Git's answer", async () => {
    const headers = { authorization: `Basic ${btoa(`${reader.name}:${reader.token}`)}` };
    const answer = await fetch(`${server.url}${refs}`, { method: "HEAD", headers });
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      200,
      "application/x-git-upload-pack-advertisement",
      "",
    ]);
  });

  test("an empty token admits nobody", () => {
    expect(userOf([{ ...writer, token: "" }], `Basic ${btoa("delivery:")}`)).toBeUndefined();
  });
});

describe("pushes", () => {
  test("arrive, and are cloned again", async () => {
    const head = await commit("one");
    await push(writer, "main");
    expect(await git("ls-remote", urlFor(reader), "refs/heads/main")).toMatch(new RegExp(`^${head}`));
  });

  test("never rewrite history", async () => {
    await commit("one");
    await push(writer, "main");
    await git("-C", "work", "commit", "-q", "--allow-empty", "--amend", "-m", "other");
    await expect(push(writer, "--force", "main")).rejects.toThrow(/non-fast-forward/);
  });

  test("go to the chosen branches only", async () => {
    await commit("one");
    await expect(push(writer, "main:other")).rejects.toThrow(
      /refs\/heads\/other does not accept pushes; these do: refs\/heads\/main/,
    );
  });

  test("of one who may only write to a directory change nothing else, by whatever way", async () => {
    const file = async (path: string): Promise<void> => {
      mkdirSync(join(folder, "work", dirname(path)), { recursive: true });
      writeFileSync(join(folder, "work", path), path);
      await git("-C", "work", "add", ".");
    };
    await commit("one");
    await file("prod/link/release.yaml");
    await commit("a release");
    await push(writer, "main");
    await file("previews/pr-1/link.yaml");
    await commit("an environment");
    await push(previews, "main");
    await git("-C", "work", "rm", "-rq", "previews");
    const head = await commit("it goes");
    await push(previews, "main");
    const others: (() => Promise<unknown>)[] = [
      () => file("prod/link/release.yaml2"),
      () => file("previews2/a.yaml"),
      () => git("-C", "work", "mv", "prod/link/release.yaml", "release.yaml"),
      () => git("-C", "work", "rm", "-q", "prod/link/release.yaml"),
    ];
    for (const change of others) {
      await change();
      await commit("more");
      await expect(push(previews, "main")).rejects.toThrow(
        /x-access-token may only change what is in previews, and not \S+/,
      );
      await git("-C", "work", "reset", "-q", "--hard", head);
    }
    await ensureRepository(root, { name: "team/shop" });
    await expect(
      git("-C", "work", "push", "-q", urlFor(previews).replace("deploy", "shop"), "HEAD:refs/heads/main"),
    ).rejects.toThrow(/403/);
  });

  test("reach the hooks, which are tried again", async () => {
    const head = await commit("one");
    await push(writer, "main");
    const first: Push = { repository: "team/deploy", updates: [{ ref: "refs/heads/main", after: head }] };
    const hook = vi.fn<(push: Push) => Promise<void>>().mockRejectedValueOnce(new Error("not now")).mockResolvedValue();
    const log = vi.fn<(line: string) => void>();
    // The first push was noted while nobody watched.
    const watching = watchPushes(root, [{ name: "test", run: hook }], log);
    onTestFinished(() => watching[Symbol.dispose]());
    await vi.waitFor(() => expect(hook.mock.calls.map(([pushed]) => pushed)).toEqual([first, first]), {
      timeout: 30_000,
    });
    expect(log).toHaveBeenCalledWith("push to team/deploy: test: not now (again in 0.3 s)");
    await vi.waitFor(() => expect(readdirSync(pushesFolder(root))).toEqual([]), { timeout: 30_000 });
    const next = await commit("two");
    await push(writer, "main");
    await vi.waitFor(
      () => expect(hook.mock.lastCall?.[0].updates).toEqual([{ ref: "refs/heads/main", before: head, after: next }]),
      { timeout: 30_000 },
    );
  });
});

test("an answer of Git's backend has its status among its headers", () => {
  expect(parseHead("Status: 404 Not Found\r\nContent-Type: text/plain")).toEqual({
    status: 404,
    headers: { "content-type": "text/plain" },
  });
  expect(parseHead("Content-Type: a:b")).toEqual({ status: 200, headers: { "content-type": "a:b" } });
});

test("a note that is not Git's names no ref", () => {
  expect(parsePush("deploy\nrubbish\n")).toEqual({ repository: "deploy", updates: [] });
});

test("locks of killed pushes go, files of the work do not", () => {
  const path = repositoryPath(root, "team/deploy");
  mkdirSync(join(path, "refs/heads/x"), { recursive: true });
  for (const file of ["refs/heads/x/main.lock", "packed-refs.lock", "description.txt"])
    writeFileSync(join(path, file), "");
  removeStaleLocks(root);
  expect(readdirSync(join(path, "refs/heads/x"))).toEqual([]);
  expect(existsSync(join(path, "packed-refs.lock"))).toBe(false);
  expect(existsSync(join(path, "description.txt"))).toBe(true);
});

test.each(["../x", "a/b/c", "x.git", "", ".pushes"])("%j is no name of a repository", async (name) => {
  await expect(ensureRepository(root, { name })).rejects.toThrow(/must be a name or owner\/name/);
});

test("what a shell would read as a command is no branch", async () => {
  await expect(ensureRepository(root, { name: "x", branches: ["$(id)"] })).rejects.toThrow(/"\$\(id\)" is no branch/);
});
