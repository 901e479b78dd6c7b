import { posix } from "node:path";
import type { AffectedBy } from "./affected-by.ts";
import { goModulesIn, type GoModules } from "./go-modules.ts";
import {
  goPackagesIn,
  importedDirectories,
  isEmbedded,
  isGoSourceFile,
  mayBeExcluded,
  packagesBelow,
} from "./go-packages.ts";
import { isIn, memoize, upwards, type SourceTree } from "./source-tree.ts";

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
  /** Those of them that have tests, by what is built together. Computed on demand, as only running tests needs it. */
  readonly testCalls: () => readonly GoTests[];
  /** The packages of its image that embed files, with their patterns. */
  readonly embedding: EmbeddingPackages;
  /** Those whose tests, which are its own to run, embed files. */
  readonly embeddingTests: EmbeddingPackages;
  /** Whether one of the packages of its image has code in C or in assembly that may include files from elsewhere. */
  readonly cgo: boolean;
}

/** By directory: the patterns of what a package embeds. */
type EmbeddingPackages = ReadonlyMap<string, readonly string[]>;

/** The imports of the monorepo, followed from the packages of single services. */
export function goGraph(tree: SourceTree) {
  const modulesOf = goModulesIn(tree);
  const packageAt = goPackagesIn(tree);
  const resolvers = new Map<GoModules, (path: string) => readonly string[]>();
  const resolve = (modules: GoModules, path: string): readonly string[] => {
    const known = resolvers.get(modules);
    const resolver =
      known ?? memoize((name) => importedDirectories(modules, name).filter((at) => packageAt(at) !== undefined));
    if (known === undefined) resolvers.set(modules, resolver);
    return resolver(path);
  };
  // The packages that those in `roots`, which are built together, import directly or not.
  const closure = (modules: GoModules, roots: Iterable<string>): Set<string> => {
    const found = new Set(roots);
    // Iterating over a Set also visits what is added meanwhile.
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
      const embedding = (ats: Iterable<string>, of: "embeds" | "testEmbeds"): EmbeddingPackages =>
        new Map([...ats].map((at) => [at, packageAt(at)?.[of] ?? []] as const).filter(([, found]) => found.length > 0));
      return {
        modules,
        image,
        tests: new Set([...image, ...imported(own), ...importedByTests(tested)]),
        tested: new Set(tested),
        testCalls: () => goTests(tree, modulesOf, withTests),
        embedding: embedding(image, "embeds"),
        embeddingTests: embedding(tested, "testEmbeds"),
        cgo: [...image].some((at) => packageAt(at)?.cgo === true),
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

/** How a file affects a service by the imports of Go. @param own the service's directory */
export function matchGo(needs: GoNeeds, own: string, file: string): AffectedBy | undefined {
  if (needs.modules.files.has(file)) return { part: "image", reason: file };
  const directory = posix.dirname(file);
  const reason = isIn(own, file) ? file : `shared code ${directory}`;
  const part = partOf(needs, own, directory, file);
  return part === undefined ? undefined : { part, reason };
}

function partOf(needs: GoNeeds, own: string, directory: string, file: string): AffectedBy["part"] | undefined {
  if (isEmbeddedBy(needs.embedding, file)) return "image";
  const [, tested] = /^(?:(.*)\/)?testdata\//.exec(file) ?? [];
  if (tested !== undefined) return needs.tested.has(tested) || isIn(own, file) ? "tests" : undefined;
  if (file.endsWith("_test.go")) return needs.tested.has(directory) || isIn(own, file) ? "tests" : undefined;
  if (!isGoSourceFile(file)) return undefined;
  if (needs.image.has(directory)) return "image";
  // What is in the service's own directory is matched by the rules of the Dockerfile.
  return needs.tests.has(directory) && !isIn(own, file) ? "tests" : undefined;
}

/** Whether one of the packages embeds a file. */
export function isEmbeddedBy(packages: EmbeddingPackages, file: string): boolean {
  for (const [at, patterns] of packages) if (isEmbedded(at, patterns, file)) return true;
  return false;
}

/** Whether the imports alone say how a file affects a service. Code in other languages is Go's only in a package of Go. */
export function isGovernedByGo({ modules, cgo }: GoNeeds, tree: SourceTree, file: string): boolean {
  if (/\.go$|(^|\/)go\.(mod|sum|work|work\.sum)$/.test(file)) return true;
  if (modules.vendor.some((at) => isIn(at, file))) return true;
  const testdata = /(^|\/)testdata\//.test(file);
  // Code in C includes what is in the directory of another package, too, of which it imports nothing.
  if (!testdata && (cgo || !isGoSourceFile(file))) return false;
  if (![...modules.local.values()].some((at) => isIn(at, file))) return false;
  return testdata || tree.list(posix.dirname(file)).files.some((name) => name.endsWith(".go"));
}

/** Whether a file is in the directory of a package, or below it: `go build` takes of these what it says itself. */
export function isBesideGo(tree: SourceTree, file: string): boolean {
  const around = upwards(posix.dirname(file)).filter((at) => at !== ".");
  return around.some((at) => tree.list(at).files.some((name) => name.endsWith(".go")));
}

/** What one call of `go test` can test: packages that are built together. */
export interface GoTests {
  /** The directory of their workspace, or of their module. */
  readonly directory: string;
  /** As Go takes them there, e.g. `./pkg/web`. */
  readonly packages: readonly string[];
  /** Those of them of which a build may have nothing: `go test` fails for these. */
  readonly optional: readonly string[];
  /** Whether there is a workspace around the module that does not use it; Go needs `GOWORK=off` there. */
  readonly outsideWorkspace: boolean;
}

/**
 * Packages of other modules are tested where they are: only their own module is sure to say what their tests need, and one
 * that was vendored has left its tests behind.
 * @param directories of packages with tests
 */
function goTests(
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
      optional: packages.filter((at) => mayBeExcluded(tree, at)).map(argument),
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
