import type { GoBuild } from "./dockerfile-go-builds.ts";
import { goModulesIn } from "./go-modules.ts";
import { importedDirectories, packagesBelow } from "./go-packages.ts";
import { isIn, pathWithin, type SourceTree } from "./source-tree.ts";

/** Finds the directories of the Go packages that a Dockerfile builds; some of them may have none. */
export function goBuildsIn(tree: SourceTree) {
  const modulesOf = goModulesIn(tree);
  /** @param context its root @param own the service's directory */
  return (builds: readonly GoBuild[], context: string, own: string): string[] =>
    builds.flatMap(({ directory, importPath, below }) => {
      const at = pathWithin(context, directory);
      const modules = at === undefined || importPath === undefined ? undefined : modulesOf(at);
      const named =
        importPath === undefined
          ? [at ?? []].flat()
          : modules === undefined
            ? []
            : importedDirectories(modules, importPath);
      if (!below) return named;
      // `./...` is whatever there is. What of it becomes part of the image is not said, unless the service has nothing else.
      const others = named.filter((found) => !isIn(found, own) || packagesBelow(tree, own).length === 0);
      return others.flatMap((found) => packagesBelow(tree, found));
    });
}
