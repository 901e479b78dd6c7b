import { posix } from "node:path";
import { goModulesIn, type GoModules } from "./go-modules.ts";
import { goPackagesIn, importedDirectories, packagesBelow } from "./go-packages.ts";
import { isIn, remembered, type SourceTree } from "./source-tree.ts";

/** The Go packages that a service is made of, by directory. */
export interface GoNeeds {
  readonly modules: GoModules;
  /** Of its image. */
  readonly image: ReadonlySet<string>;
  /** Of the tests of its own packages and of the monorepo's packages in its image; those of the image among them. */
  readonly tests: ReadonlySet<string>;
  /** Its own packages and those of its image, but for vendored ones, whose tests are others' to run. */
  readonly tested: ReadonlySet<string>;
  /** Those of them that have tests, as `go test` in the main module takes them. */
  readonly testArguments: readonly string[];
  /** The packages of its image that embed files, with their patterns. */
  readonly embedding: ReadonlyMap<string, readonly string[]>;
}

/** The imports of the monorepo, followed from the packages of single services. */
export function goGraph(tree: SourceTree) {
  const modulesOf = goModulesIn(tree);
  const packageAt = goPackagesIn(tree);
  const resolvers = new Map<GoModules, (path: string) => readonly string[]>();
  const resolve = (modules: GoModules, path: string): readonly string[] => {
    const known = resolvers.get(modules);
    const resolver =
      known ?? remembered((wanted) => importedDirectories(modules, wanted).filter((at) => packageAt(at) !== undefined));
    if (known === undefined) resolvers.set(modules, resolver);
    return resolver(path);
  };
  const closure = (modules: GoModules, roots: Iterable<string>): Set<string> => {
    const found = new Set(roots);
    // A set that grows while it is walked is walked to its end.
    for (const directory of found)
      for (const path of packageAt(directory)?.imports ?? []) for (const at of resolve(modules, path)) found.add(at);
    return found;
  };
  return {
    /** @param built directories of packages elsewhere that its Dockerfile builds; `undefined`: it is not made with Go modules */
    needs: (directory: string, built: readonly string[]): GoNeeds | undefined => {
      const own = packagesBelow(tree, directory).filter((at) => packageAt(at) !== undefined);
      const elsewhere = built.filter((at) => packageAt(at) !== undefined);
      const first = own[0] ?? elsewhere[0];
      const modules = first === undefined ? undefined : modulesOf(first);
      if (modules === undefined) return undefined;
      const programs = own.filter((at) => packageAt(at)?.name === "main");
      const image = closure(modules, [...(programs.length > 0 ? programs : own), ...elsewhere]);
      const tested = [...new Set([...own, ...image])].filter(
        (at) => !modules.vendor.some((in_) => at.startsWith(`${in_}/`)),
      );
      const testImports = tested.flatMap((at) => packageAt(at)?.testImports ?? []);
      const tests = closure(modules, [...image, ...own, ...testImports.flatMap((path) => resolve(modules, path))]);
      const testArguments = tested
        .filter((at) => packageAt(at)?.tested === true)
        .map((at) => packageArgument(modules, at))
        .toSorted();
      const embedding = [...image].flatMap((at): [string, readonly string[]][] => {
        const { embeds = [] } = packageAt(at) ?? {};
        return embeds.length === 0 ? [] : [[at, embeds]];
      });
      return { modules, image, tests, tested: new Set(tested), testArguments, embedding: new Map(embedding) };
    },
  };
}

/** Packages of other modules go by their import paths. */
function packageArgument({ main, local }: GoModules, directory: string): string {
  const [path, root] = [...local].reduce(
    (best, module) => (isIn(module[1], directory) && module[1].length >= best[1].length ? module : best),
    ["", main],
  );
  const relative = posix.relative(root, directory);
  return root === main ? `./${relative}` : posix.join(path, relative);
}
