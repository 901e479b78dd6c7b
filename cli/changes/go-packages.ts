import { posix } from "node:path";
import { glob } from "./glob.ts";
import type { GoModules } from "./go-modules.ts";
import { parseGoSource } from "./go-source.ts";
import { isIn, remembered, type SourceTree } from "./source-tree.ts";

/** A directory of Go files. */
export interface GoPackage {
  readonly name: string;
  readonly imports: readonly string[];
  /** Those of its tests alone. */
  readonly testImports: readonly string[];
  /** Patterns relative to the directory. */
  readonly embeds: readonly string[];
  readonly tested: boolean;
}

/** Reads the packages of directories, each once; `undefined`: there is no Go file in it. */
export function goPackagesIn(tree: SourceTree): (directory: string) => GoPackage | undefined {
  return remembered((directory) => {
    const names = tree.list(directory).files.filter((name) => name.endsWith(".go") && !/^[._]/.test(name));
    const parsed = names.flatMap((name) => {
      const source = parseGoSource(tree.read(posix.join(directory, name)) ?? "");
      return source === undefined ? [] : [{ ...source, test: name.endsWith("_test.go") }];
    });
    if (parsed.length === 0) return undefined;
    const own = parsed.filter(({ test }) => !test);
    const tests = parsed.filter(({ test }) => test);
    return {
      name: own[0]?.package ?? "",
      imports: [...new Set(own.flatMap((source) => source.imports))],
      testImports: [...new Set(tests.flatMap((source) => source.imports))],
      embeds: [...new Set(own.flatMap((source) => source.embeds))],
      tested: tests.length > 0,
    };
  });
}

/** The packages at a directory and below it, as `go build DIRECTORY/...` takes them. */
export function packagesBelow(tree: SourceTree, directory: string): string[] {
  const { files, directories } = tree.list(directory);
  const below = directories
    .filter((name) => !/^[._]/.test(name) && !["testdata", "vendor", "node_modules"].includes(name))
    .flatMap((name) => packagesBelow(tree, posix.join(directory, name)));
  return files.some((name) => name.endsWith(".go")) ? [directory, ...below] : below;
}

/** The directories that an import path may mean in a build; none for the standard library and what is not in the monorepo. */
export function importedDirectories(modules: GoModules, path: string): string[] {
  const module = [...modules.local.keys()]
    .filter((name) => path === name || path.startsWith(`${name}/`))
    .toSorted((a, b) => b.length - a.length)[0];
  const local = module === undefined ? [] : [posix.join(modules.local.get(module) ?? "", path.slice(module.length))];
  // A replaced module can be vendored, too; which one counts is a flag of the build.
  return [...local.map((at) => at.replace(/(.)\/$/, "$1")), ...modules.vendor.map((at) => `${at}/${path}`)];
}

/** Whether Go takes a file in a package's directory for a source of it. Source: `go help packages`, `go list` */
export function isGoSourceFile(file: string): boolean {
  return /\.(go|c|cc|cpp|cxx|m|h|hh|hpp|hxx|f|F|for|f90|s|S|sx|swig|swigcxx|syso)$/.test(file);
}

/** Whether a package's `//go:embed` patterns mean a file. */
export function isEmbedded(directory: string, embeds: readonly string[], file: string): boolean {
  if (embeds.length === 0 || !isIn(directory, file)) return false;
  const relative = directory === "." ? file : file.slice(directory.length + 1);
  return embeds.some((pattern) => glob(pattern)(relative));
}
