import { posix } from "node:path";
import { memoize, pathWithin, upwards, type SourceTree } from "./source-tree.ts";

/** The modules of the monorepo that one build with Go sees. */
export interface GoModules {
  /** The directory of the main module. */
  readonly main: string;
  /** Module path → directory, of all modules that are in the monorepo. */
  readonly local: ReadonlyMap<string, string>;
  /** Where vendored packages are. */
  readonly vendor: readonly string[];
  /** What says which modules and versions they are; a change of these affects all that is built from them. */
  readonly files: ReadonlySet<string>;
}

/** Finds, for a directory, the modules of a build in it; `undefined`: it is in no module. */
export function goModulesIn(tree: SourceTree): (directory: string) => GoModules | undefined {
  const ofMain = memoize((main) => readModules(tree, main));
  return memoize((directory) => {
    const main = upwards(directory).find((at) => tree.list(at).files.includes("go.mod"));
    return main === undefined ? undefined : ofMain(main);
  });
}

function readModules(tree: SourceTree, main: string): GoModules {
  const workspace = upwards(main).find((at) => tree.list(at).files.includes("go.work"));
  const used = workspace === undefined ? [] : directives(tree, workspace, "go.work").uses;
  // A module that the workspace does not use is built without it.
  const work = used.includes(main) ? workspace : undefined;
  const members = work === undefined ? [main] : used;
  const modFiles = members.map((at) => ({ at, ...directives(tree, at, "go.mod") }));
  const replaced = [...modFiles, ...(work === undefined ? [] : [directives(tree, work, "go.work")])].flatMap(
    ({ replaces }) => replaces,
  );
  const directories = [...members, ...replaced.map(([, at]) => at)];
  const roots = [...new Set([main, ...(work === undefined ? [] : [work])])];
  return {
    main,
    local: new Map([...replaced, ...modFiles.map(({ module, at }): [string, string] => [module, at])]),
    vendor: roots.filter((at) => tree.list(at).directories.includes("vendor")).map((at) => posix.join(at, "vendor")),
    files: new Set([
      ...directories.flatMap((at) => [posix.join(at, "go.mod"), posix.join(at, "go.sum")]),
      ...(work === undefined ? [] : [posix.join(work, "go.work"), posix.join(work, "go.work.sum")]),
      ...roots.map((at) => posix.join(at, "vendor/modules.txt")),
    ]),
  };
}

interface Directives {
  /** The path of the module. */
  readonly module: string;
  /** Directories in the monorepo. */
  readonly uses: readonly string[];
  readonly replaces: readonly [module: string, directory: string][];
}

/** Source: https://go.dev/ref/mod#go-mod-file-lexical and https://go.dev/ref/mod#workspaces */
function directives(tree: SourceTree, directory: string, file: "go.mod" | "go.work"): Directives {
  const lines = statements(tree.read(posix.join(directory, file)) ?? "");
  const inside = (path: string): string[] => {
    const found = /^\.{1,2}(\/|$)/.test(path) ? pathWithin(directory, path) : undefined;
    return found === undefined ? [] : [found];
  };
  return {
    module: lines.find(([word]) => word === "module")?.[1] ?? "",
    uses: lines.flatMap(([word, path = ""]) =>
      word === "use" ? inside(path.startsWith(".") ? path : `./${path}`) : [],
    ),
    replaces: lines.flatMap(([word, module = "", ...rest]) =>
      word === "replace" ? inside(rest[rest.indexOf("=>") + 1] ?? "").map((at): [string, string] => [module, at]) : [],
    ),
  };
}

/** Each as its words; a block's lines begin with the block's word. */
function statements(text: string): string[][] {
  const state = { block: "" };
  return text.split("\n").flatMap((line) => {
    const words = [...line.replace(/(^|\s)\/\/.*$/, "").matchAll(/"([^"]*)"|`([^`]*)`|[()]|[^\s()]+/g)].map(
      ([word, quoted, raw]) => quoted ?? raw ?? word,
    );
    if (words[0] === ")") {
      state.block = "";
      return [];
    }
    if (words.at(-1) === "(") {
      state.block = words[0] ?? "";
      return [];
    }
    if (words.length === 0) return [];
    return [state.block === "" ? words : [state.block, ...words]];
  });
}
