import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** The files of the monorepo in the working tree. Paths are relative to its root, with `/`; the root is `.`. */
export interface SourceTree {
  /** `undefined`: there is no such file. */
  readonly read: (path: string) => string | undefined;
  /** What is in a directory; nothing if there is none. */
  readonly list: (directory: string) => { readonly files: readonly string[]; readonly directories: readonly string[] };
}

/** Reads every file and directory at most once. */
export function sourceTree(root: string): SourceTree {
  return {
    read: remembered((path: string) => present(() => readFileSync(join(root, path), "utf8"))),
    list: remembered((directory: string) => {
      const entries = present(() => readdirSync(join(root, directory), { withFileTypes: true })) ?? [];
      const directories = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
      return { files: entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name), directories };
    }),
  };
}

/** A function that computes its result for an argument once. */
export function remembered<T>(compute: (argument: string) => T): (argument: string) => T {
  const known = new Map<string, T>();
  return (argument) => {
    const found = known.get(argument);
    if (found !== undefined || known.has(argument)) return found as T;
    const result = compute(argument);
    known.set(argument, result);
    return result;
  };
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

function present<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && "code" in error && ["ENOENT", "ENOTDIR", "EISDIR"].includes(String(error.code)))
      return undefined;
    throw error;
  }
}
