import { createHash } from "node:crypto";
import {
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  type Dirent,
  type Stats,
} from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isIgnored, matchPatterns, parseIgnoreFile, type IgnorePattern } from "../../../cli/affected/dockerignore.ts";
import { errorMessage, hasErrorCode } from "../../../core/error.ts";

/** Digests of file contents already read, by absolute path; files count as unchanged while their inode, size and times are. */
export type FileDigests = Map<string, { identity: string; digest: Buffer }>;

/** What is hashed, by paths as the program gives them. */
interface DigestedContext {
  /** The folder against which relative paths count. */
  directory: string;
  context: string;
  dockerfile: string;
}

/**
 * The hash that tells whether an image's files changed: of the Dockerfile and of all files of the context that are not ignored,
 * with their names, modes and contents. It is the one that the official plugin computes, so a stack may change between the two.
 *
 * @throws Error for a file that cannot be read, with its path.
 */
export async function contextDigest(
  { directory, context, dockerfile }: DigestedContext,
  known: FileDigests,
): Promise<string> {
  const paths = { folder: fromDirectory(directory, context), dockerfile: fromDirectory(directory, dockerfile) };
  const hash = createHash("sha256");
  const add = (name: string, mode: string, digest: Buffer): void => {
    hash.update(name).update(mode).update(digest).update("\0");
  };
  // Under one name wherever it lies, since the builder does not care; in the context it counts again under its own name.
  add("Dockerfile", "----------", fileDigest(paths.dockerfile, statSync(paths.dockerfile), known));
  for (const { path, stats } of await contextFiles(paths.folder, readIgnorePatterns(paths))) {
    add(path, modeString(stats), contentDigest(directory, join(context, path), stats, known));
  }
  return hash.digest("hex");
}

function contentDigest(directory: string, path: string, stats: Stats, known: FileDigests): Buffer {
  if (stats.isSymbolicLink()) return createHash("sha256").update(linkTarget(directory, path)).digest();
  // Pipes, sockets and devices have no contents that could be built in.
  if (!stats.isFile()) return createHash("sha256").digest();
  return fileDigest(fromDirectory(directory, path), stats, known);
}

function fileDigest(path: string, stats: Stats, known: FileDigests): Buffer {
  const identity = [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(" ");
  const found = known.get(path);
  if (found?.identity === identity) return found.digest;
  const digest = createHash("sha256").update(readFileSync(path)).digest();
  known.set(path, { identity, digest });
  return digest;
}

/** The path a link leads to at last, relative where the link's own path is and no absolute link is on the way. */
function linkTarget(directory: string, link: string): string {
  const rest = link.split("/");
  let target = link.startsWith("/") ? "/" : "";
  for (let links = 0; rest.length > 0;) {
    const part = rest.shift();
    if (part === undefined || part === "" || part === ".") continue;
    if (part === "..") {
      target = normalize(join(target, ".."));
      continue;
    }
    const next = join(target, part);
    const absolute = fromDirectory(directory, next);
    const stats = lstatOf(absolute);
    // The link leads nowhere, or in a circle: it counts as it is written.
    if (stats === undefined || links > 255) return readlinkSync(fromDirectory(directory, link));
    if (!stats.isSymbolicLink()) {
      target = next;
      continue;
    }
    links += 1;
    const leadsTo = readlinkSync(absolute);
    if (isAbsolute(leadsTo)) target = "/";
    rest.unshift(...leadsTo.split("/"));
  }
  return target === "" ? "." : target;
}

/** `undefined` where nothing is, also below what is no folder. */
function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (hasErrorCode(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

/** A path that the program gives, which counts from its directory. */
export function fromDirectory(directory: string, path: string): string {
  return isAbsolute(path) ? path : join(directory, path);
}

/** A file's type and permissions as Go prints them, e.g. `-rwxr-xr-x`. */
function modeString(stats: Stats): string {
  const types: [boolean, string][] = [
    [stats.isSymbolicLink(), "L"],
    [stats.isBlockDevice() || stats.isCharacterDevice(), "D"],
    [stats.isFIFO(), "p"],
    [(stats.mode & 0o4000) !== 0, "u"],
    [(stats.mode & 0o2000) !== 0, "g"],
    [stats.isCharacterDevice(), "c"],
    [(stats.mode & 0o1000) !== 0, "t"],
  ];
  const type = types.map(([applies, letter]) => (applies ? letter : "")).join("");
  const permissions = Array.from("rwxrwxrwx", (letter, index) => ((stats.mode >> (8 - index)) & 1 ? letter : "-"));
  return `${type === "" ? "-" : type}${permissions.join("")}`;
}

/** What an image is built from, by absolute paths. */
interface BuildContext {
  folder: string;
  dockerfile: string;
}

/** A file of a build context; not a folder. */
interface ContextFile {
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
      if (hasErrorCode(error, "ENOENT")) continue;
      throw new Error(`cannot use the ignore file ${file}: ${errorMessage(error)}`, { cause: error });
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
      // A file that was removed meanwhile is left out.
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
