import { posix } from "node:path";
import { z } from "zod";
import { parseLenientJson } from "../../core/lenient-json.ts";
import { isTypeScript, namesInSettings } from "./node-settings.ts";
import { isIn, memoize, pathWithin, upwards, type SourceTree } from "./source-tree.ts";

/** A path without its ending that a source names, and that may be a file, or a directory. */
export interface NodeImports {
  /** Names that may be those of packages, e.g. `@shop/ui/button`. */
  readonly names: ReadonlySet<string>;
  /** Paths outside of the directory that was read, from the root of the monorepo: a file without its ending, or a directory. */
  readonly outside: ReadonlySet<string>;
  /** What was read. */
  readonly sources: ReadonlySet<string>;
}

/**
 * What the sources and settings of a package name: whatever stands in quotes may be an import, so that what is loaded by other
 * means counts too. Names are looked up in the `paths` and `baseUrl` of the TypeScript settings of the package and of the
 * directories around, and paths that lead up also where the package's scripts work.
 * @param ignored the name of the files with the settings of services
 */
export function nodeImportsIn(tree: SourceTree, ignored?: string): (directory: string) => NodeImports {
  const settingsAt = memoize((file) => readSettings(tree, file, 0));
  return memoize((directory) => {
    const names = new Set<string>();
    const outside = new Set<string>();
    const settings = upwards(directory).flatMap((at) =>
      tree
        .list(at)
        .files.filter(isTypeScript)
        .flatMap((name) => settingsAt(posix.join(at, name))),
    );
    const waiting = new Set(sourcesBelow(tree, directory));
    const addPath = (target: string): void => {
      if (target === "." || isIn(directory, target)) return;
      outside.add(target.replace(/\.[cm]?[jt]sx?$/, ""));
      // What is imported from elsewhere imports more.
      for (const found of existing(tree, target)) waiting.add(found);
    };
    for (const { file } of settings) addPath(file);
    for (const name of namesInSettings(tree, directory, ignored)) {
      if (name.startsWith(".")) for (const target of [pathWithin(directory, name) ?? []].flat()) addPath(target);
      else names.add(name);
    }
    // Iterating over a Set also visits what is added meanwhile.
    for (const file of waiting) {
      for (const name of namesInSource(file, tree.read(file) ?? "")) {
        if (name.startsWith(".")) {
          const fromHere = [pathWithin(posix.dirname(file), name) ?? []].flat();
          const fromPackage = name.startsWith("../") ? [pathWithin(directory, name) ?? []].flat() : [];
          for (const target of [...fromHere, ...fromPackage.filter((path) => tree.kind(path) !== undefined)])
            addPath(target);
        } else {
          names.add(name);
          const targets = settings.flatMap((one) => one.resolve(name));
          for (const target of targets.filter((path) => existing(tree, path).length > 0)) addPath(target);
        }
      }
    }
    return { names, outside, sources: waiting };
  });
}

/** Whether a file is what a path without an ending means, or in it. */
export function isMeant(outside: ReadonlySet<string>, file: string): boolean {
  if (outside.size === 0) return false;
  const name = posix.basename(file);
  const directory = posix.dirname(file);
  const stems = [...name.matchAll(/\./g)].map(({ index }) => posix.join(directory, name.slice(0, index)));
  return [...upwards(file), ...stems].some((path) => outside.has(path));
}

const sourceFile = /\.([cm]?[jt]sx?|vue|svelte|astro|mdx|css|scss|sass|less|html|graphql|gql|proto|prisma)$/;
/** Of these, only relative paths lead to files. */
const document = /\.(html|graphql|gql|proto|prisma)$/;
const longest = 2_000_000;

function sourcesBelow(tree: SourceTree, directory: string): string[] {
  const { files, directories } = tree.list(directory);
  const below = directories
    .filter((name) => !["node_modules", "dist", ".git", ".next", ".turbo"].includes(name))
    .flatMap((name) => sourcesBelow(tree, posix.join(directory, name)));
  return [...files.filter((name) => sourceFile.test(name)).map((name) => posix.join(directory, name)), ...below];
}

function namesInSource(file: string, text: string): Set<string> {
  const pieces = text.slice(0, longest).split(/["'`\n()]/);
  const names = new Set([...quotedNames(pieces), ...joinedPaths(pieces)]);
  return document.test(file) ? new Set([...names].filter((name) => name.startsWith("."))) : names;
}

/** What stands between any two quotes, or in a line between them: an odd one hides nothing. */
function quotedNames(pieces: readonly string[]): string[] {
  const short = pieces.filter((name) => name.length < 300);
  // `${directory}/../x` is most often from where the source is.
  const names = short.map((name) => name.replace(/^\$\{[\w.]+\}\/(?=\.\.\/)/, ""));
  return names.filter((name) => /^[@\w.~#][\w@./~#$-]*$/.test(name));
}

/** The paths of what is given piece by piece, as to `join(__dirname, "..", "schema", "x.json")`, from the first `..` on. */
function joinedPaths(pieces: readonly string[]): string[] {
  const paths: string[] = [];
  for (let at = 0; at < pieces.length; at++) {
    if (!/^\.\.(\/\.\.){0,50}\/?$/.test(pieces[at] ?? "")) continue;
    const parts = [pieces[at] ?? ""];
    while (/^\s*,\s*$/.test(pieces[at + 1] ?? "") && /^[\w@.][\w@./-]*$/.test(pieces[at + 2] ?? "")) {
      at += 2;
      parts.push(pieces[at] ?? "");
    }
    if (parts.length > 1) paths.push(posix.join(...parts));
  }
  return paths.filter((path) => path.length < 300);
}

/** The sources that a path without its ending may be; a directory is its index. */
function existing(tree: SourceTree, path: string): string[] {
  if (tree.kind(path) === "file") return [path];
  const inDirectory = (directory: string, stem: string): string[] =>
    tree
      .list(directory)
      .files.filter((name) => name.startsWith(`${stem}.`) && sourceFile.test(name))
      .map((name) => posix.join(directory, name));
  const stem = posix.basename(path).replace(/\.[cm]?[jt]sx?$/, "");
  const files = inDirectory(posix.dirname(path), stem);
  return tree.kind(path) === "directory" ? [...files, ...sourcesBelow(tree, path)] : files;
}

const settingsSchema = z.object({
  extends: z.union([z.string(), z.array(z.string())]).optional(),
  compilerOptions: z
    .object({
      baseUrl: z.string().optional(),
      paths: z.record(z.string(), z.array(z.string())).optional(),
    })
    .optional(),
});

interface PathSettings {
  /** Where they stand. */
  readonly file: string;
  /** The paths that a name may mean. */
  readonly resolve: (name: string) => string[];
}

/** Settings that are invalid, or that another package has, are of no help: the compiler reports the former. */
function readSettings(tree: SourceTree, file: string, depth: number): PathSettings[] {
  const parsed = settingsSchema.safeParse(parseLenientJson(tree.read(file) ?? ""));
  if (!parsed.success || depth > 20) return [];
  const directory = posix.dirname(file);
  const { extends: bases = [], compilerOptions: { baseUrl, paths = {} } = {} } = parsed.data;
  const inherited = [bases].flat().flatMap((base) => {
    const target = base.startsWith(".") ? pathWithin(directory, base) : undefined;
    if (target === undefined) return [];
    return readSettings(tree, tree.kind(target) === "file" ? target : `${target}.json`, depth + 1);
  });
  const root = pathWithin(directory, baseUrl ?? ".");
  if (root === undefined) return [{ file, resolve: () => [] }, ...inherited];
  const within = (path: string): string[] => [pathWithin(root, path) ?? []].flat();
  const patterns = Object.entries(paths);
  const resolve = (name: string): string[] => [
    ...patterns.flatMap(([pattern, targets]) => {
      const rest = wildcardOf(pattern, name);
      return rest === undefined ? [] : targets.flatMap((target) => within(target.replace("*", () => rest)));
    }),
    ...(baseUrl === undefined ? [] : within(name)),
  ];
  return [{ file, resolve }, ...inherited];
}

/** What the `*` of a pattern stands for in a name; `undefined`: the pattern does not mean it. */
function wildcardOf(pattern: string, name: string): string | undefined {
  const star = pattern.indexOf("*");
  if (star === -1) return pattern === name ? "" : undefined;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  if (name.length < before.length + after.length || !name.startsWith(before) || !name.endsWith(after)) return undefined;
  return name.slice(before.length, name.length - after.length);
}
