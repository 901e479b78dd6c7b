import { lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import type { Dirent, Stats } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isIgnored, matchPatterns, parseIgnoreFile, type IgnorePattern } from "../../../components/ignore-pattern.ts";

/** What an image is built from, by absolute paths. */
export interface BuildContext {
  folder: string;
  dockerfile: string;
}

/** A file of a build context; not a folder. */
export interface ContextFile {
  /** Relative to the context, with `/`. */
  path: string;
  stats: Stats;
}

/**
 * The patterns of the context's ignore file: `<Dockerfile>.dockerignore`, or else `.dockerignore` at the context's root.
 *
 * @throws Error that names the ignore file.
 */
export function readIgnorePatterns(context: BuildContext): IgnorePattern[] {
  for (const file of [`${context.dockerfile}.dockerignore`, join(context.folder, ".dockerignore")]) {
    try {
      return parseIgnoreFile(readFileSync(file, "utf8"));
    } catch (error) {
      if (isAbsent(error)) continue;
      throw new Error(`cannot use the ignore file ${file}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
  return [];
}

/**
 * The files that the ignore patterns leave in, in the order in which Go walks a tree: folder by folder, names by their bytes.
 * Folders in which nothing can be left in are not read.
 */
export async function contextFiles(root: string, patterns: IgnorePattern[]): Promise<ContextFile[]> {
  const exceptions = patterns.filter(({ exception }) => exception);
  // A context that is a link to a folder is that folder.
  const base = realpathSync(root);
  const files: ContextFile[] = [];
  const visit = async (folder: string, folderMeantBy: boolean[] | undefined): Promise<void> => {
    // The program and the engine's other calls share this thread with the walk.
    await setImmediate();
    for (const entry of entries(join(base, folder))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      const meantBy = matchPatterns(patterns, path, folderMeantBy);
      const ignored = isIgnored(patterns, meantBy);
      if (entry.isDirectory()) {
        if (!ignored || exceptions.some((exception) => exception.reachesInto(path))) await visit(path, meantBy);
        continue;
      }
      if (ignored) continue;
      const stats = lstatSync(join(base, path), { throwIfNoEntry: false });
      // Otherwise it went away meanwhile.
      if (stats !== undefined) files.push({ path, stats });
    }
  };
  await visit("", undefined);
  return files;
}

/** A folder's entries by the bytes of their names. */
function entries(folder: string): Dirent[] {
  const found = readdirSync(folder, { withFileTypes: true });
  if (found.every(({ name }) => isAscii(name))) return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return found.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

function isAscii(name: string): boolean {
  return /^[\0-\x7f]*$/.test(name);
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
