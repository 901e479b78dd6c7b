import { posix } from "node:path";
import type { GoBuild } from "./run-instruction.ts";
import { glob } from "./glob.ts";
import { goModulesIn, type GoModules } from "./go-modules.ts";
import { isIn, memoize, pathWithin, type SourceTree } from "./source-tree.ts";

/** Finds the directories of the Go packages that a Dockerfile builds; some of them may have none. */
export function goBuildsIn(tree: SourceTree) {
  const modulesOf = goModulesIn(tree);
  /** @param context its root @param own the service's directory */
  return (builds: readonly GoBuild[], context: string, own: string): string[] =>
    builds.flatMap(({ directory, importPath, below, written }) => {
      const at = pathWithin(context, directory);
      const modules = at === undefined || importPath === undefined ? undefined : modulesOf(at);
      const named =
        importPath === undefined
          ? [at ?? []].flat()
          : modules === undefined
            ? []
            : importedDirectories(modules, importPath);
      if (!below) return named;
      // `./...` builds whatever there is and does not say what of it the image takes. Around a service with packages of its
      // own, it is taken to mean these, unless all programs are written.
      const others = named.filter((found) => written || !isIn(found, own) || packagesBelow(tree, own).length === 0);
      return others.flatMap((found) => packagesBelow(tree, found));
    });
}

/**
 * Whether a build may have nothing of a package: each of its Go files, tests among them, is for some builds only. Which
 * builds these are depends on the machine, its settings and `-tags`, so that only Go knows.
 */
export function mayBeExcluded(tree: SourceTree, directory: string): boolean {
  const names = tree.list(directory).files.filter((name) => name.endsWith(".go") && !/^[._]/.test(name));
  return names.every((name) => platform.test(name) || isConstrained(tree.read(posix.join(directory, name)) ?? ""));
}

/** Constraints come before the package clause; a file that imports C is only for builds with cgo. */
function isConstrained(text: string): boolean {
  const [head = ""] = text.split(/^package\s/m, 1);
  return /^\/\/(go:build|[ \t]*\+build)\s/m.test(head) || /^[ \t]*(import[ \t]+)?"C"[ \t]*\r?$/m.test(text);
}

const systems =
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos";
const processors =
  "386 amd64 amd64p32 arm arm64 arm64be armbe loong64 mips mips64 mips64le mips64p32 mips64p32le mipsle ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm";

/** Source: https://pkg.go.dev/internal/syslist */
const platform = new RegExp(`_(${`${systems} ${processors}`.replaceAll(" ", "|")})(_test)?\\.go$`);

/** A directory of Go files. */
interface GoPackage {
  readonly name: string;
  readonly imports: readonly string[];
  /** Those of its tests alone. */
  readonly testImports: readonly string[];
  /** Patterns relative to the directory. */
  readonly embeds: readonly string[];
  /** Those of its tests. */
  readonly testEmbeds: readonly string[];
  readonly tested: boolean;
  /** Whether a compiler of C, or Go's own for assembly, may include more than is in it. */
  readonly cgo: boolean;
}

/** Reads the packages of directories, each once; `undefined`: there is no Go file in it. */
export function goPackagesIn(tree: SourceTree): (directory: string) => GoPackage | undefined {
  return memoize((directory) => {
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
      testEmbeds: [...new Set(tests.flatMap((source) => source.embeds))],
      tested: tests.length > 0,
      cgo: own.some((source) => source.imports.includes("C")) || includesMore(tree, directory),
    };
  });
}

/** Whether a file in Go's assembly includes one of another directory. */
function includesMore(tree: SourceTree, directory: string): boolean {
  const names = tree.list(directory).files.filter((name) => name.endsWith(".s"));
  return names.some((name) => /^[ \t]*#[ \t]*include[ \t]+".*\//m.test(tree.read(posix.join(directory, name)) ?? ""));
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

/** What the head of a Go file says. */
interface GoSource {
  readonly package: string;
  readonly imports: readonly string[];
  /** The patterns of its `//go:embed` directives. */
  readonly embeds: readonly string[];
}

/** Imports come before all other declarations, so only the head of the file is read. Build constraints are not evaluated. */
export function parseGoSource(text: string): GoSource | undefined {
  // Generators and scripts carry this constraint, and belong to no package.
  if (/^\/\/(go:build|[ \t]*\+build) ignore[ \t]*\r?$/m.test(text.slice(0, 4096))) return undefined;
  const tokens = headTokens(text);
  if (tokens.next().value !== "package") return undefined;
  const name = tokens.next().value;
  if (name === undefined || !/^\w+$/.test(name)) return undefined;
  return { package: name, imports: imports(tokens), embeds: embedPatterns(text) };
}

function imports(tokens: Iterator<string, undefined>): string[] {
  const found: string[] = [];
  const isPath = (token: string | undefined): boolean => {
    const quoted = token !== undefined && /^["`]/.test(token);
    if (quoted) found.push(token.slice(1, -1));
    return quoted;
  };
  while (tokens.next().value === "import") {
    const first = tokens.next().value;
    if (first !== "(") {
      // There may be a name before the path.
      if (!isPath(first) && !isPath(tokens.next().value)) return found;
      continue;
    }
    for (let token = tokens.next().value; token !== ")"; token = tokens.next().value) {
      // This is not valid Go, which the compiler reports.
      if (!isPath(token) && !isPath(tokens.next().value)) return found;
    }
  }
  return found;
}

/** The words, strings and parentheses at the beginning of a file, each character of which is read once. */
function* headTokens(text: string): Generator<string, undefined> {
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? "";
    if (/[\s;\ufeff]/.test(character)) at++;
    else if (text.startsWith("//", at)) at = behind(text, "\n", at);
    else if (text.startsWith("/*", at)) at = behind(text, "*/", at + 2);
    else if (character === '"' || character === "`") {
      const end = behind(text, character, at + 1);
      const token = text.slice(at, end);
      if (character === '"' && token.includes("\n")) return undefined;
      yield token;
      at = end;
    } else {
      const end = /\w/.test(character) ? wordEnd(text, at) : at + 1;
      yield text.slice(at, end);
      at = end;
    }
  }
  return undefined;
}

/** The index behind the next occurrence of a text, or the end. */
function behind(text: string, found: string, from: number): number {
  const at = text.indexOf(found, from);
  return at === -1 ? text.length : at + found.length;
}

function wordEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\w/.test(text[at] ?? "")) at++;
  return at;
}

function embedPatterns(text: string): string[] {
  if (!text.includes("//go:embed")) return [];
  return [...text.matchAll(/^[ \t]*\/\/go:embed[ \t]+(.*)$/gm)].flatMap(([, patterns = ""]) =>
    [...patterns.matchAll(/"([^"]*)"|`([^`]*)`|(\S+)/g)].map((match) =>
      (match[1] ?? match[2] ?? match[3] ?? "").replace(/^all:/, ""),
    ),
  );
}
