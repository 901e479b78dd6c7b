import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A checkout of a source repository, in which someone works. */
export class SourceCheckout implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "source-checkout-"));

  constructor() {
    this.git("init", "--quiet", "--template=", "--initial-branch=main");
  }

  git(...args: string[]): string {
    const identity = [
      "-c",
      "user.name=Someone",
      "-c",
      "user.email=someone@localhost",
      "-c",
      "protocol.file.allow=always",
    ];
    return execFileSync("git", [...identity, ...args], { cwd: this.root, stdio: ["ignore", "pipe", "pipe"] })
      .toString()
      .trim();
  }

  /** `undefined` removes a file. @returns the commit */
  commit(files: Readonly<Record<string, string | undefined>>): string {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.root, path);
      mkdirSync(dirname(file), { recursive: true });
      if (content === undefined) rmSync(file);
      else writeFileSync(file, content);
    }
    this.git("add", "--all");
    this.git("commit", "--quiet", "--message=by hand");
    return this.git("rev-parse", "HEAD");
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
