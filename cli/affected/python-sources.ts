import { posix } from "node:path";
import { isPackageName } from "./python-imports.ts";
import type { SourceTree } from "./source-tree.ts";

const skipped = new Set(["node_modules", "__pycache__", "venv", "site-packages"]);
/** What tools make, unless sources are right in it: then it is a package. */
const made = new Set(["target", "dist", "build"]);

function isSkipped(tree: SourceTree, directory: string): boolean {
  const name = posix.basename(directory);
  if (skipped.has(name) || name.startsWith(".")) return true;
  return made.has(name) && !tree.list(directory).files.some(isPython);
}

export function isText(file: string): boolean {
  return /\.(pyi?|toml|cfg|ini|ya?ml|json|sh|txt|in|conf|env)$|(^|\/)(Procfile|Pipfile|Dockerfile[^/]*|[\w-]+)$/.test(
    file,
  );
}

/** The sources and settings below a directory, but for those of installed packages. */
export function textsBelow(tree: SourceTree, directory: string): string[] {
  const { files, directories } = tree.list(directory);
  const own = files.filter(isText).map((name) => posix.join(directory, name));
  const below = directories.map((name) => posix.join(directory, name)).filter((at) => !isSkipped(tree, at));
  return [...own, ...below.flatMap((at) => textsBelow(tree, at))];
}

/** By the name of a package or module, the directories that have it. */
export function packageHolders(
  tree: SourceTree,
  hasSources: (directory: string) => boolean,
): ReadonlyMap<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const add = (name: string, at: string): void => void found.set(name, (found.get(name) ?? new Set()).add(at));
  const visit = (at: string): void => {
    const { files, directories } = tree.list(at);
    for (const file of files) if (file.endsWith(".py")) add(file.slice(0, -".py".length), at);
    for (const name of directories) {
      const directory = posix.join(at, name);
      if (isSkipped(tree, directory)) continue;
      if (isPackageName(name) && hasSources(directory)) add(name, at);
      visit(directory);
    }
  };
  visit(".");
  return found;
}

export function isPython(file: string): boolean {
  return /\.pyi?$/.test(file);
}
