import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { outputOf } from "../../../../core/process.ts";

/** As many jobs as a commit to one service has before its release and just after: they follow one another without a pause. */
export const poolSize = 6;

/**
 * Checkouts that are made while nothing runs, for jobs to come: making a repository's files takes longer than all else of a
 * short job, and here every job is a checkout.
 */
export class CheckoutPool {
  readonly #root: string;

  /** @param root a folder of its own; what a killed process has left in it is removed */
  constructor(root: string) {
    rmSync(root, { recursive: true, force: true });
    this.#root = root;
  }

  /**
   * Replaces an empty folder by one: a clone of the mirror at some commit of its past, on no branch.
   * @returns whether there was one
   */
  take(mirror: string, target: string): boolean {
    const [checkout] = this.#ready(mirror);
    if (checkout === undefined) return false;
    renameSync(checkout, target);
    return true;
  }

  /** Makes those that are missing, one after the other, as long as the machine is idle. */
  async refill(mirror: string, isIdle: () => boolean): Promise<void> {
    for (let missing = poolSize - this.#ready(mirror).length; missing > 0 && isIdle(); missing--) {
      const folder = join(this.#folderOf(mirror), randomUUID());
      const unfinished = `${folder}.new`;
      mkdirSync(unfinished, { recursive: true, mode: 0o700 });
      const git = (...args: string[]) => outputOf("nice", ["-n", "19", "git", "-C", unfinished, ...args]);
      try {
        await git("clone", "--quiet", "--local", "--no-checkout", mirror, ".");
        await git("checkout", "--quiet", "--detach", "HEAD");
        renameSync(unfinished, folder);
      } finally {
        rmSync(unfinished, { recursive: true, force: true });
      }
    }
  }

  #folderOf(mirror: string): string {
    return join(this.#root, basename(mirror));
  }

  #ready(mirror: string): string[] {
    const folder = this.#folderOf(mirror);
    if (!existsSync(folder)) return [];
    return readdirSync(folder).flatMap((name) => (name.endsWith(".new") ? [] : [join(folder, name)]));
  }
}
