import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import { hasErrorCode } from "../../core/error.ts";

/** The files of the monorepo in the working tree. Paths are relative to its root, with `/`; the root is `.`. */
export interface SourceTree {
  /** `undefined`: there is no such file. */
  readonly read: (path: string) => string | undefined;
  /** What is in a directory; nothing if there is none. A symbolic link counts as a file, also one to a directory. */
  readonly list: (directory: string) => { readonly files: readonly string[]; readonly directories: readonly string[] };
  /** What is at a path, or where a link there leads to; `undefined`: nothing. */
  readonly kind: (path: string) => "file" | "directory" | undefined;
  /** Notes the symbolic links on the way to a path, for `aliases`. */
  readonly follow: (path: string) => void;
  /** The other paths of a file or directory: through the symbolic links that `follow` and `list` have met. */
  readonly aliases: (path: string) => string[];
}

/** Reads every file and directory at most once. */
export function sourceTree(root: string): SourceTree {
  const links: { readonly path: string; readonly target: string }[] = [];
  const list: SourceTree["list"] = memoize((directory) => {
    // It may itself be reached through a link, which is in a directory around it.
    if (directory !== ".") list(posix.dirname(directory));
    const found: { files: string[]; directories: string[] } = { files: [], directories: [] };
    for (const entry of ifPresent(() => readdirSync(join(root, directory), { withFileTypes: true })) ?? []) {
      found[entry.isDirectory() ? "directories" : "files"].push(entry.name);
      if (!entry.isSymbolicLink()) continue;
      const path = posix.join(directory, entry.name);
      const target = targetOf(root, path);
      if (target !== undefined) links.push({ path, target });
    }
    return found;
  });
  return {
    read: memoize((path: string) => ifPresent(() => readFileSync(join(root, path), "utf8"))),
    list,
    kind: memoize((path) =>
      ifPresent(() => (statSync(join(root, path)).isDirectory() ? ("directory" as const) : ("file" as const))),
    ),
    follow: (path) => void list(posix.dirname(path)),
    aliases: (path) =>
      links
        .filter(({ target }) => isIn(target, path))
        .map((link) => posix.join(link.path, posix.relative(link.target, path))),
  };
}

/** What a link leads to in the end; `undefined`: nothing, or something outside of the monorepo. */
function targetOf(root: string, path: string): string | undefined {
  const real = ifPresent(() => relative(realpathSync(root), realpathSync(join(root, path))).replaceAll(sep, "/"));
  return real === undefined ? undefined : pathWithin(".", real);
}

/** A function that computes its result for an argument once. */
export function memoize<T>(compute: (argument: string) => T): (argument: string) => T {
  const known = new Map<string, T>();
  return (argument) => {
    const found = known.get(argument);
    // A result may be undefined: then `T` includes that.
    if (found !== undefined || known.has(argument)) return found as T;
    const result = compute(argument);
    known.set(argument, result);
    return result;
  };
}

/** A function that computes its result once, if it is called. */
export function once<T>(compute: () => T): () => T {
  const get = memoize(compute);
  return () => get("");
}

/** A path of this machine, from a root that it is in and with `/`; `.` is the root itself. */
export function pathFrom(root: string, path: string): string {
  return relative(root, path).replaceAll(sep, "/") || ".";
}

/** A path relative to a directory, from the root of the monorepo; `undefined`: it leads out of it. */
export function pathWithin(directory: string, path: string): string | undefined {
  const joined = posix.join(directory, path).replace(/(.)\/$/, "$1");
  return joined === ".." || joined.startsWith("../") ? undefined : joined;
}

/** The directory itself and those around it up to the root, the innermost first. */
export function upwards(directory: string): string[] {
  if (directory === ".") return ["."];
  return [directory, ...upwards(posix.dirname(directory))];
}

/** Whether a file is in a directory, or below it. */
export function isIn(directory: string, file: string): boolean {
  return directory === "." || file === directory || file.startsWith(`${directory}/`);
}

/** @returns `undefined`: what is read is not there, or is of another kind */
function ifPresent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ENOTDIR", "EISDIR", "ELOOP")) return undefined;
    throw error;
  }
}

/** Whether one of the texts has the name of a file in it, or that of a directory that the file is in. */
export function mentionsIn(texts: () => readonly string[]): (file: string) => boolean {
  const isMentioned = memoize((name) => texts().some((text) => text.includes(name)));
  return (file) => file.split("/").some(isMentioned);
}
