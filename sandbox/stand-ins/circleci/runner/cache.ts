import { createHash, randomUUID } from "node:crypto";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { outputOf } from "../../../../core/process.ts";
import { pathInJob, portablePath, type JobContext, type Print, type StepEnd } from "./job-context.ts";

const entrySchema = z.strictObject({ key: z.string(), savedAt: z.number(), paths: z.array(z.string()) });
type Entry = z.infer<typeof entrySchema> & { folder: string };

const keptEntries = 10;

/**
 * Keeps files under a key, unless there is an entry with that key. They are hard links to the job's: tools that install
 * packages replace files instead of writing into them, and a copy would take longer than many a job.
 */
export async function saveCache(
  context: JobContext,
  { key: template, paths }: { key: string; paths: readonly string[] },
  print: Print,
): Promise<StepEnd> {
  const key = cacheKey(context, template);
  const folder = join(context.cacheFolder, createHash("sha256").update(key).digest("hex"));
  if (existsSync(folder)) {
    print(`Skipping cache generation, cache already exists for key: ${key}\n`);
    return { status: "success" };
  }
  const found = paths.map((path) => pathInJob(context, path)).filter((path) => existsSync(path));
  const fresh = `${folder}.${randomUUID().slice(0, 8)}.new`;
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  for (const [index, path] of found.entries()) {
    mkdirSync(join(fresh, String(index)));
    await link(path, join(fresh, String(index)));
  }
  const entry = { key, savedAt: Date.now(), paths: found.map((path) => portablePath(context, path)) };
  writeFileSync(join(fresh, "entry.json"), JSON.stringify(entry));
  // Another job may have been faster: its entry stays.
  if (existsSync(folder)) rmSync(fresh, { recursive: true });
  else renameSync(fresh, folder);
  for (const { folder: old } of entriesIn(context.cacheFolder).slice(keptEntries)) rmSync(old, { recursive: true });
  print(`Stored cache to ${key}\n${entry.paths.map((path) => `  * ${path}\n`).join("")}`);
  return { status: "success" };
}

/** Brings back the newest entry whose key begins with the first key that any begins with. */
export async function restoreCache(
  context: JobContext,
  { key, keys = [] }: { key?: string | undefined; keys?: readonly string[] | undefined },
  print: Print,
): Promise<StepEnd> {
  const entries = entriesIn(context.cacheFolder);
  for (const template of key === undefined ? keys : [key, ...keys]) {
    const prefix = cacheKey(context, template);
    const found = entries.find((entry) => entry.key.startsWith(prefix));
    if (found === undefined) {
      print(`No cache is found for key: ${prefix}\n`);
      continue;
    }
    for (const [index, path] of found.paths.entries()) {
      const target = pathInJob(context, path);
      mkdirSync(dirname(target), { recursive: true });
      const kept = join(found.folder, String(index), basename(target));
      // What is there already is replaced file by file.
      if (basename(target) === "node_modules" && !existsSync(target)) linkPackages(kept, target);
      else await link(kept, dirname(target));
    }
    print(`Found a cache from key: ${found.key}\n`);
    return { status: "success" };
  }
  return { status: "success" };
}

/** The newest first. */
function entriesIn(folder: string): Entry[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => !name.endsWith(".new"))
    .map((name) => {
      const text = readFileSync(join(folder, name, "entry.json"), "utf8");
      return { ...entrySchema.parse(JSON.parse(text)), folder: join(folder, name) };
    })
    .toSorted((one, other) => other.savedAt - one.savedAt);
}

/** Copies into a folder by hard links, or in full from another file system. */
async function link(from: string, into: string): Promise<void> {
  await outputOf("cp", ["--archive", "--force", "--link", "--", from, into]).catch(() =>
    outputOf("cp", ["--archive", "--force", "--", from, into]),
  );
}

/**
 * A cache's key with its templates filled in.
 * Source: https://circleci.com/docs/configuration-reference/#savecache
 *
 * @throws Error for a template that is unknown, or a file that is not there
 */
function cacheKey(context: JobContext, template: string): string {
  return template.replaceAll(/\{\{\s*(.*?)\s*\}\}/g, (found: string, inner: string) => {
    const [, file] = /^checksum "([^"]+)"$/.exec(inner) ?? [];
    if (file !== undefined) return checksum(pathInJob(context, file));
    const [, variable] = /^\.Environment\.(\w+)$/.exec(inner) ?? [];
    if (variable !== undefined) return context.environment[variable] ?? "";
    const value = {
      ".Branch": context.pipeline.source.branch ?? "",
      ".BuildNum": String(context.job.number ?? 0),
      ".Revision": context.pipeline.source.revision,
      epoch: String(Math.floor(Date.now() / 1000)),
      arch: `arch1-${process.platform}-${process.arch}`,
    }[inner];
    if (value === undefined) throw new Error(`cache key ${template}: the sandbox's CircleCI does not know ${found}`);
    return value;
  });
}

function checksum(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("base64");
}

/**
 * Restores a `node_modules` by links to its packages, since making its tens of thousands of files takes longer than most steps. Nothing writes into an installed package. A directory that holds links of its own, such as a scope with a package
 * of the checkout, is made, so that these count from where it is.
 */
function linkPackages(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), join(to, name)];
    const found = lstatSync(source);
    if (found.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else if (found.isFile()) linkSync(source, target);
    else if (containsLinks(source)) linkPackages(source, target);
    else symlinkSync(source, target);
  }
}

function containsLinks(directory: string): boolean {
  return readdirSync(directory, { withFileTypes: true }).some((entry) => entry.isSymbolicLink());
}
