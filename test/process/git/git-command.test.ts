import { execFileSync } from "node:child_process";
import { afterEach, expect, test, vi } from "vitest";
import { gitAt, gitIn, GitStartError } from "../../../git/git-command.ts";

afterEach(() => vi.unstubAllEnvs());

test("a machine without Git gets one clear error", async () => {
  vi.stubEnv("PATH", "/nowhere");
  const failure = await gitAt("/")(["version"]).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(GitStartError);
  expect(String(failure)).toBe(
    "Error: git version: git cannot be started (spawn git ENOENT); install Git 2.32 or newer",
  );
});

test("so does a process that may open no more files", () => {
  const program = `
    import { openSync } from "node:fs";
    import { gitAt } from "./git/git-command.ts";
    try { for (;;) openSync("/dev/null"); } catch {}
    console.log(await gitAt("/")(["version"]).catch((error) => error.message));`;
  const shell = 'ulimit -n 64 && exec "$0" --input-type=module --eval "$1"';
  const output = execFileSync("sh", ["-c", shell, process.execPath, program], { encoding: "utf8", stdio: "pipe" });
  expect(output.trim()).toBe(
    "git version: git cannot be started (spawn git EMFILE); too many files are open: raise the limit (`ulimit -n`)",
  );
});

test("a failure shows no login of a URL", async () => {
  const git = gitIn("/nowhere.git", { repository: "https://ci:hunter2@git.example/deploy.git" });
  const failure = await git(["fetch", "https://ci:hunter2@127.0.0.1:9/deploy.git"]).catch(String);
  expect(failure).toMatch(/^Error: git fetch: fatal: /);
  expect(failure).not.toContain("hunter2");
});
