import { outputOf, ProcessError } from "../../../core/process.ts";
import { gitEnvironment } from "../git-server/repositories.ts";

/** A commit as the API and the webhooks show it. */
export interface CommitInfo {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  readonly author: Person;
  readonly committer: Person;
}

interface Person {
  readonly name: string;
  readonly email: string;
  /** ISO 8601. */
  readonly date: string;
}

/** In GitHub's form. */
type ChangedFile = Record<string, string>;

const fileStatus: Readonly<Record<string, string>> = { A: "added", M: "modified", D: "removed", R: "renamed" };

interface FileChanges {
  added: string[];
  modified: string[];
  removed: string[];
}

/** A bare repository on this machine, used without its server: hooks do not run. */
export class BareGit {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<string> {
    const env = { PATH: process.env["PATH"], ...gitEnvironment, ...environment };
    return (await outputOf("git", ["--git-dir", this.path, ...args], { env })).trimEnd();
  }

  /** The commit that a branch, tag or hash names. */
  commit(name: string): Promise<string | undefined> {
    const usable = /^[^-\s:^~?*[\\{][^\s:^~?*[\\{]*$/.test(name);
    return usable ? this.#maybe(["rev-parse", "--verify", "--quiet", `${name}^{commit}`]) : Promise.resolve(undefined);
  }

  branch(name: string): Promise<string | undefined> {
    return this.commit(`refs/heads/${name}`);
  }

  async isAncestor(ancestor: string, descendant: string): Promise<boolean> {
    return (await this.#maybe(["merge-base", "--is-ancestor", ancestor, descendant])) !== undefined;
  }

  async countCommits(base: string, head: string): Promise<number> {
    return Number(await this.run(["rev-list", "--count", `${base}..${head}`]));
  }

  async changeSize(base: string, head: string): Promise<{ files: number; additions: number; deletions: number }> {
    const text = await this.run(["diff", "--shortstat", `${base}...${head}`]);
    const count = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
    return { files: count(/(\d+) file/), additions: count(/(\d+) insertion/), deletions: count(/(\d+) deletion/) };
  }

  /** What a branch changes since it left another one, as a pull request shows it. */
  async changedFiles(base: string, head: string): Promise<ChangedFile[]> {
    const args = ["diff", "--name-status", "-z", "--find-renames", `${base}...${head}`];
    const fields = (await this.run(args)).split("\0").filter((field) => field !== "");
    const files: ChangedFile[] = [];
    for (let index = 0; index + 1 < fields.length; index += 2) {
      const [kind = "", path = "", target = ""] = fields.slice(index);
      const status = fileStatus[kind.slice(0, 1)] ?? "changed";
      files.push(
        status === "renamed" ? { filename: target, previous_filename: path, status } : { filename: path, status },
      );
      if (status === "renamed") index += 1;
    }
    return files;
  }

  /** The merged tree; `undefined`: there are conflicts. */
  mergedTree(base: string, head: string): Promise<string | undefined> {
    return this.#maybe(["merge-tree", "--write-tree", base, head]);
  }

  async info(commit: string): Promise<CommitInfo> {
    const format = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B";
    const text = await this.run(["show", "--no-patch", `--format=${format}`, commit]);
    const [sha = "", tree = "", parents = "", an = "", ae = "", ad = "", cn = "", ce = "", cd = "", message = ""] =
      text.split("\0");
    return {
      sha,
      tree,
      parents: parents.split(" ").filter((parent) => parent !== ""),
      message: message.trimEnd(),
      author: { name: an, email: ae, date: ad },
      committer: { name: cn, email: ce, date: cd },
    };
  }

  /** What a commit changes against its first parent. */
  async changes(commit: string): Promise<FileChanges> {
    const args = ["diff-tree", "-r", "-z", "--root", "-m", "--first-parent", "--no-renames", "--no-commit-id"];
    const fields = (await this.run([...args, "--name-status", commit])).split("\0");
    const changes: FileChanges = { added: [], modified: [], removed: [] };
    for (let index = 0; index + 1 < fields.length; index += 2) {
      const path = fields[index + 1] ?? "";
      const list = { A: changes.added, D: changes.removed }[fields[index] ?? ""] ?? changes.modified;
      list.push(path);
    }
    return changes;
  }

  /** Git answers a yes-or-no question with exit status 1 for no, and 128 where a commit is not there. */
  async #maybe(args: readonly string[]): Promise<string | undefined> {
    try {
      return await this.run(args);
    } catch (error) {
      if (error instanceof ProcessError && (error.code === 1 || error.code === 128)) return undefined;
      throw error;
    }
  }
}
