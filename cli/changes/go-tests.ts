import { posix } from "node:path";
import { mayBeLeftOut } from "./go-constraints.ts";
import type { GoModules } from "./go-modules.ts";
import { upwards, type SourceTree } from "./source-tree.ts";

/** What one call of `go test` can test: packages that are built together. */
export interface GoTests {
  /** The directory of their workspace, or of their module. */
  readonly directory: string;
  /** As Go takes them there, e.g. `./pkg/web`. */
  readonly packages: readonly string[];
  /** Those of them of which a build may have nothing: `go test` fails for these. */
  readonly optional: readonly string[];
  /** Whether there is a workspace around the module that does not use it; Go has to be told. */
  readonly outsideWorkspace: boolean;
}

/**
 * Packages of other modules are tested where they are: only their own module is sure to say what their tests need, and one
 * that was vendored has left its tests behind.
 * @param directories of packages with tests
 */
export function goTests(
  tree: SourceTree,
  modulesOf: (directory: string) => GoModules | undefined,
  directories: readonly string[],
): GoTests[] {
  const builds = Map.groupBy(directories, (at) => {
    const modules = modulesOf(at);
    return modules === undefined ? undefined : (workspaceOf(modules) ?? modules.main);
  });
  return [...builds].flatMap(([directory, packages]) => {
    if (directory === undefined) return [];
    const argument = (at: string): string => `./${posix.relative(directory, at)}`;
    return {
      directory,
      packages: packages.map(argument).toSorted(),
      optional: packages.filter((at) => mayBeLeftOut(tree, at)).map(argument),
      outsideWorkspace: packages.some((at) => isOutside(tree, modulesOf(at))),
    };
  });
}

/** The workspace that uses a module. */
function workspaceOf({ main, files }: GoModules): string | undefined {
  return upwards(main).find((at) => files.has(posix.join(at, "go.work")));
}

function isOutside(tree: SourceTree, modules: GoModules | undefined): boolean {
  if (modules === undefined || workspaceOf(modules) !== undefined) return false;
  return upwards(modules.main).some((at) => tree.list(at).files.includes("go.work"));
}
