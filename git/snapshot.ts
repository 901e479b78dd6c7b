import { createHash } from "node:crypto";
import type { Git } from "./git-command.ts";

/** A file, link or submodule in a commit. */
export interface TreeEntry {
  readonly mode: string;
  readonly object: string;
}

/** The files of one commit. */
export interface Snapshot {
  /** `undefined`: the branch is not there yet. */
  readonly commit: string | undefined;
  /** By path from the root of the repository. */
  readonly entries: ReadonlyMap<string, TreeEntry>;
  /** The contents of those of the files that are there. */
  read(paths: readonly string[]): Promise<Map<string, string>>;
}

export async function snapshotOf(git: Git, commit: string | undefined): Promise<Snapshot> {
  const entries =
    commit === undefined
      ? new Map<string, TreeEntry>()
      : parseTree(await git(["ls-tree", "-r", "-z", "--full-tree", commit]));
  const known = new Map<string, string>();
  return {
    commit,
    entries,
    read: async (paths) => {
      const wanted = paths.flatMap((path) => {
        const entry = entries.get(path);
        return entry === undefined || entry.mode === submodule ? [] : [[path, entry.object] as const];
      });
      const unknown = new Set(wanted.map(([, object]) => object).filter((object) => !known.has(object)));
      for (const [object, content] of await readObjects(git, [...unknown])) known.set(object, content);
      return new Map(wanted.map(([path, object]) => [path, known.get(object) ?? ""]));
    },
  };
}

/** Whether there is exactly this content at a path, as a regular file. */
export function hasContent(snapshot: Snapshot, path: string, content: string): boolean {
  const entry = snapshot.entries.get(path);
  return entry !== undefined && entry.mode.startsWith("100") && entry.object === blobName(content, entry.object.length);
}

const submodule = "160000";

/** Git's name of a content, without asking Git. */
function blobName(content: string, length: number): string {
  const bytes = Buffer.from(content);
  return createHash(length === 64 ? "sha256" : "sha1")
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest("hex");
}

function parseTree(output: Buffer): Map<string, TreeEntry> {
  const lines = output.toString().split("\0").filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [attributes, path] = splitOnce(line, "\t");
      const [mode = "", , object = ""] = attributes.split(" ");
      return [path, { mode, object }];
    }),
  );
}

/** @returns contents, by the names of the objects */
async function readObjects(git: Git, objects: readonly string[]): Promise<Map<string, string>> {
  if (objects.length === 0) return new Map();
  const output = await git(["cat-file", "--batch"], objects.map((object) => `${object}\n`).join(""));
  const contents = new Map<string, string>();
  let offset = 0;
  for (const object of objects) {
    const end = output.indexOf("\n", offset);
    const size = Number(output.subarray(offset, end).toString().split(" ")[2]);
    contents.set(object, output.subarray(end + 1, end + 1 + size).toString());
    offset = end + 1 + size + 1;
  }
  return contents;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}
