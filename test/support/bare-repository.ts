import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A Git repository on disk, with people who push to it. */
export class BareRepository implements Disposable {
  /** Where it is. */
  readonly directory: string;
  readonly path: string;
  readonly url: string;
  readonly #isOurs: boolean;

  /** @param from one that is there already, or one to copy, which costs less than making one. @default a new and empty one */
  constructor(from: { existing?: string; copyOf?: BareRepository } = {}) {
    this.#isOurs = from.existing === undefined;
    this.path = from.existing ?? join(mkdtempSync(join(tmpdir(), "bare-repository-")), "deploy.git");
    this.directory = dirname(this.path);
    this.url = `file://${this.path}`;
    if (from.copyOf !== undefined) cpSync(from.copyOf.path, this.path, { recursive: true });
    else if (this.#isOurs)
      execFileSync("git", ["init", "--quiet", "--bare", "--template=", "--initial-branch=main", this.path]);
  }

  git(...args: string[]): string {
    return this.run(args).toString().trim();
  }

  /** Path → content of a commit; nothing if the branch is not there. */
  files(branch = "main"): Record<string, string> {
    const lines =
      this.run(["for-each-ref", "--count=1", `refs/heads/${branch}`]).length === 0
        ? []
        : this.run(["ls-tree", "-r", "-z", branch]).toString().split("\0");
    const entries = lines.filter(Boolean).map((line) => ({
      object: line.slice("100644 blob ".length, line.indexOf("\t")),
      path: line.slice(line.indexOf("\t") + 1),
    }));
    const output = this.run(["cat-file", "--batch=%(objectsize)"], entries.map(({ object }) => `${object}\n`).join(""));
    let offset = 0;
    return Object.fromEntries(
      entries.map(({ path }) => {
        const start = output.indexOf("\n", offset) + 1;
        const end = start + Number(output.subarray(offset, start).toString());
        offset = end + 1;
        return [path, output.subarray(start, end).toString()];
      }),
    );
  }

  branches(): string[] {
    return this.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split("\n").filter(Boolean);
  }

  /** The subjects of a branch's commits, the newest first. */
  subjects(branch = "main"): string[] {
    return this.branches().includes(branch) ? this.git("log", "--format=%s", branch).split("\n") : [];
  }

  /** Someone else commits: `undefined` removes a file. Returns the commit. */
  commit(files: Readonly<Record<string, string | undefined>>, message = "by hand", branch = "main"): string {
    const changes = Object.entries(files).map(([path, content]) =>
      content === undefined ? `D ${path}\n` : `M 100644 inline ${path}\n${data(content)}`,
    );
    const base = this.branches().includes(branch) ? `from refs/heads/${branch}^0\n` : "";
    const author = "committer Someone <someone@example.com> now\n";
    this.run(
      ["fast-import", "--quiet", "--date-format=now"],
      `commit refs/heads/${branch}\n${author}${data(message)}${base}${changes.join("")}`,
    );
    return this.git("rev-parse", branch);
  }

  /** Removes it, unless it was there already. */
  [Symbol.dispose](): void {
    if (this.#isOurs) rmSync(this.directory, { recursive: true, force: true });
  }

  private run(args: readonly string[], input = ""): Buffer {
    return execFileSync("git", ["--git-dir", this.path, ...args], { input, stdio: ["pipe", "pipe", "ignore"] });
  }
}

/** As fast-import takes contents. */
function data(content: string): string {
  return `data ${Buffer.byteLength(content)}\n${content}\n`;
}
