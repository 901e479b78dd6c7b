import { goModulesIn, type GoModules } from "./go-modules.ts";
import { goPackagesIn, importedDirectories, packagesBelow } from "./go-packages.ts";
import { goTests, type GoTests } from "./go-tests.ts";
import { remembered, type SourceTree } from "./source-tree.ts";

/** The Go packages that a service is made of, by directory. */
export interface GoNeeds {
  /** The modules of all builds that its own packages take part in: another go.mod below its directory makes another build. */
  readonly modules: Omit<GoModules, "main">;
  /** Of its image. */
  readonly image: ReadonlySet<string>;
  /** Of the tests of its own packages and of the monorepo's packages in its image; those of the image among them. */
  readonly tests: ReadonlySet<string>;
  /** Its own packages and those of its image, but for vendored ones, whose tests are others' to run. */
  readonly tested: ReadonlySet<string>;
  /** Those of them that have tests, by what is built together: only who tests has to know. */
  readonly testCalls: () => readonly GoTests[];
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
  // Of packages that are built together.
  const closure = (modules: GoModules, roots: Iterable<string>): Set<string> => {
    const found = new Set(roots);
    // A set that grows while it is walked is walked to its end.
    for (const directory of found)
      for (const path of packageAt(directory)?.imports ?? []) for (const at of resolve(modules, path)) found.add(at);
    return found;
  };
  const byBuild = (directories: readonly string[]): [GoModules, string[]][] =>
    [...Map.groupBy(directories, modulesOf)].flatMap(([modules, ats]) =>
      modules === undefined ? [] : [[modules, ats]],
    );
  const imported = (roots: readonly string[]): string[] =>
    byBuild(roots).flatMap(([modules, ats]) => [...closure(modules, ats)]);
  const importedByTests = (tested: readonly string[]): string[] =>
    byBuild(tested).flatMap(([modules, ats]) => {
      const paths = new Set(ats.flatMap((at) => packageAt(at)?.testImports ?? []));
      return [
        ...closure(
          modules,
          [...paths].flatMap((path) => resolve(modules, path)),
        ),
      ];
    });
  return {
    /** @param built directories of packages elsewhere that its Dockerfile builds; `undefined`: it is not made with Go modules */
    needs: (directory: string, built: readonly string[]): GoNeeds | undefined => {
      const own = packagesBelow(tree, directory).filter((at) => packageAt(at) !== undefined);
      const elsewhere = built.filter((at) => packageAt(at) !== undefined);
      const builds = byBuild([...own, ...elsewhere]).map(([modules]) => modules);
      if (builds.length === 0) return undefined;
      const modules = together(builds);
      const programs = own.filter((at) => packageAt(at)?.name === "main");
      const image = new Set(imported([...(programs.length > 0 ? programs : own), ...elsewhere]));
      const tested = [...new Set([...own, ...image])].filter(
        (at) => !modules.vendor.some((in_) => at.startsWith(`${in_}/`)),
      );
      const withTests = tested.filter((at) => packageAt(at)?.tested === true);
      const embedding = [...image].flatMap((at): [string, readonly string[]][] => {
        const { embeds = [] } = packageAt(at) ?? {};
        return embeds.length === 0 ? [] : [[at, embeds]];
      });
      return {
        modules,
        image,
        tests: new Set([...image, ...imported(own), ...importedByTests(tested)]),
        tested: new Set(tested),
        testCalls: () => goTests(tree, modulesOf, withTests),
        embedding: new Map(embedding),
      };
    },
  };
}

function together(builds: readonly GoModules[]): GoNeeds["modules"] {
  return {
    local: new Map(builds.flatMap(({ local }) => [...local])),
    vendor: [...new Set(builds.flatMap(({ vendor }) => vendor))],
    files: new Set(builds.flatMap(({ files }) => [...files])),
  };
}
