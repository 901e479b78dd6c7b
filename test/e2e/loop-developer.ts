import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cloneSource, commitAll, push, type Clone } from "../../sandbox/commands/demo/developer-clone.ts";

/** Path in the source repository → how its content changes; of a file that is not there, the content is empty. */
export type Edits = Readonly<Record<string, (content: string) => string>>;

/** Somebody with a clone of their own. */
export interface Developer extends Disposable {
  /** Commits edits on top of the newest main, and pushes. Returns the commit. */
  push(subject: string, edits: Edits, branch?: string): Promise<string>;
}

/** @param access the repository, and who pushes */
export async function openDeveloper(access: Omit<Clone, "directory">): Promise<Developer> {
  const clone: Clone = { ...access, directory: mkdtempSync(join(tmpdir(), "developer-")) };
  await cloneSource(clone);
  return {
    async push(subject, edits, branch) {
      for (const [path, edit] of Object.entries(edits)) rewrite(join(clone.directory, path), edit);
      const commit = await commitAll(clone, subject);
      await push(clone, branch);
      return commit;
    },
    [Symbol.dispose]: () => rmSync(clone.directory, { recursive: true, force: true }),
  };
}

function rewrite(file: string, edit: (content: string) => string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, edit(existsSync(file) ? readFileSync(file, "utf8") : ""));
}
