import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { makeEmptyRepository } from "../../git/deploy-repository.ts";

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
    else if (this.#isOurs) makeEmptyRepository(this.path);
  }

  git(...args: string[]): string {
    return this.run(args).toString().trim();
  }

  /** Path → content of a commit; nothing if the branch is not there. */
  files(branch = "main"): Record<string, string> {
    const lines = this.#has(branch) ? this.run(["ls-tree", "-r", "-z", branch]).toString().split("\0") : [];
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
    return this.#has(branch) ? this.git("log", "--format=%s", branch).split("\n") : [];
  }

  /** Someone else commits: `undefined` removes a file. Returns the commit. @param at seconds since 1970. @default now */
  commit(
    files: Readonly<Record<string, string | undefined>>,
    message = "by hand",
    branch = "main",
    at = Math.floor(Date.now() / 1000),
  ): string {
    const changes = Object.entries(files).map(([path, content]) =>
      content === undefined ? `D ${path}\n` : `M 100644 inline ${path}\n${data(content)}`,
    );
    const base = this.#has(branch) ? `from refs/heads/${branch}^0\n` : "";
    const author = `committer Someone <someone@example.com> ${at} +0000\n`;
    this.run(
      ["fast-import", "--quiet"],
      `commit refs/heads/${branch}\n${author}${data(message)}${base}${changes.join("")}`,
    );
    return readFileSync(this.#fileOf(branch), "utf8").trim();
  }

  /** Removes it, unless it was there already. */
  [Symbol.dispose](): void {
    if (this.#isOurs) rmSync(this.directory, { recursive: true, force: true });
  }

  /** Without a process of Git, of which tests start thousands. A branch that is not in a file of its own may be packed. */
  #has(branch: string): boolean {
    return existsSync(this.#fileOf(branch)) || this.branches().includes(branch);
  }

  #fileOf(branch: string): string {
    return join(this.path, "refs", "heads", branch);
  }

  private run(args: readonly string[], input = ""): Buffer {
    return execFileSync("git", ["--git-dir", this.path, ...args], { input, stdio: ["pipe", "pipe", "ignore"] });
  }
}

/** As fast-import takes contents. */
function data(content: string): string {
  return `data ${Buffer.byteLength(content)}\n${content}\n`;
}
