import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A Git repository on disk, with people who push to it. */
export class BareRepository implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "bare-repository-"));
  readonly path: string;
  readonly url: string;

  /** @param existing one that is there already. @default a new and empty one */
  constructor(existing?: string) {
    this.path = existing ?? join(this.directory, "deploy.git");
    this.url = `file://${this.path}`;
    if (existing === undefined) execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", this.path]);
  }

  git(...args: string[]): string {
    return execFileSync("git", ["--git-dir", this.path, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  }

  /** Path → content of a commit; nothing if the branch is not there. */
  files(branch = "main"): Record<string, string> {
    if (!this.branches().includes(branch)) return {};
    const paths = this.git("ls-tree", "-r", "--name-only", branch).split("\n").filter(Boolean);
    return Object.fromEntries(paths.map((path) => [path, execFileSync("git", ["--git-dir", this.path, "show", `${branch}:${path}`], { encoding: "utf8" })]));
  }

  branches(): string[] {
    return this.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split("\n").filter(Boolean);
  }

  /** The subjects of a branch's commits, the newest first. */
  subjects(branch = "main"): string[] {
    return this.branches().includes(branch) ? this.git("log", "--format=%s", branch).split("\n") : [];
  }

  /** Someone else commits: `undefined` removes a file. */
  commit(files: Readonly<Record<string, string | undefined>>, message = "by hand", branch = "main"): string {
    const work = mkdtempSync(join(this.directory, "work-"));
    const git = (...args: string[]): string => execFileSync("git", ["-C", work, "-c", "user.name=Someone", "-c", "user.email=someone@example.com", ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    git("init", "--quiet", `--initial-branch=${branch}`);
    if (this.branches().includes(branch)) {
      git("fetch", "--quiet", this.path, branch);
      git("reset", "--quiet", "--hard", "FETCH_HEAD");
    }
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(work, path)), { recursive: true });
      if (content === undefined) rmSync(join(work, path));
      else writeFileSync(join(work, path), content);
    }
    git("add", "--all");
    git("commit", "--quiet", "--message", message);
    git("push", "--quiet", this.path, `HEAD:refs/heads/${branch}`);
    return git("rev-parse", "HEAD").trim();
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
