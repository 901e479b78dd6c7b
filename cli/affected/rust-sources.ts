import { posix } from "node:path";
import type { Crate } from "./cargo-manifests.ts";
import { isIn, memoize, once, pathWithin, type SourceTree } from "./source-tree.ts";

/** What the compiler may read for a crate beyond its own directory and those of its dependencies. */
export interface RustReads {
  /** Files and directories, from the root of the monorepo. */
  readonly outside: ReadonlySet<string>;
  /** Whether it reads no more than these; a build script and what else runs in the compiler may read anything. */
  readonly understood: boolean;
  /** Whether its own code looks for files: of no consequence, unless it runs in the compiler. */
  readonly searches: () => boolean;
  /** Whether one of its sources has a name in it, but for paths that lead up; a short one as a word. */
  readonly mentions: (name: string) => boolean;
}

/**
 * Sources of Rust name other files by paths, as in `include_str!("../../page.html")`: whatever stands in quotes and leads up
 * may be one, from the source's own directory as from the crate's.
 */
export function rustReadsIn(
  tree: SourceTree,
  crateAt: (directory: string) => Crate | undefined,
): (directory: string) => RustReads {
  return memoize((directory) => {
    const crate = crateAt(directory);
    const outside = new Set<string>();
    const waiting = new Set([...sourcesBelow(tree, directory, true), ...(crate?.sources ?? [])]);
    const texts: string[] = [];
    const sources: string[] = [];
    const searches = once(() => sources.some(mayReadAnything));
    const words = once(() => new Set(texts.flatMap((text) => text.split(/[^\w.-]+/))));
    const read = (text: string, from: readonly string[], isScript = false): void => {
      sources.push(text);
      const { paths, rest } = pathsUp(text);
      texts.push(rest);
      for (const path of paths)
        for (const target of targetsOf(path, from)) {
          outside.add(target);
          // What a script gives to a compiler may include what is beside it.
          if (isScript && tree.kind(target) === "file")
            for (const at of besides(tree, target, directory)) outside.add(at);
          if (!target.endsWith(".rs") || isIn(directory, target) || tree.kind(target) !== "file") continue;
          // The modules of a source are in its directory, and it does not name their paths.
          const around = posix.dirname(target);
          if (!isIn(around, directory)) outside.add(around);
          for (const found of sourcesBelow(tree, around, false)) waiting.add(found);
        }
    };
    read(crate?.metadata ?? "", [directory]);
    // Macros have settings of their own, which may name directories elsewhere.
    for (const name of tree.list(directory).files)
      if (name.endsWith(".toml") && name !== "Cargo.toml")
        read(tree.read(posix.join(directory, name)) ?? "", [directory]);
    // Iterating over a Set also visits what is added meanwhile.
    for (const file of waiting) {
      if (!isIn(directory, file)) outside.add(file);
      read(tree.read(file) ?? "", [posix.dirname(file), directory], file === crate?.buildScript);
    }
    for (const at of (crate?.sources ?? []).map((file) => posix.dirname(file)))
      if (!isIn(directory, at)) outside.add(at);
    return {
      outside,
      understood: isUnderstood(tree, crate, searches),
      searches,
      mentions: memoize((name) => (name.length < 4 ? words().has(name) : texts.some((text) => text.includes(name)))),
    };
  });
}

/** The directory that a file is in, or the files there, where that is around the crate. */
function besides(tree: SourceTree, file: string, directory: string): string[] {
  const around = posix.dirname(file);
  return isIn(around, directory) ? tree.list(around).files.map((name) => posix.join(around, name)) : [around];
}

/** @param nested whether what is below belongs to the crate unless it is one itself */
function sourcesBelow(tree: SourceTree, directory: string, nested: boolean): string[] {
  const { files, directories } = tree.list(directory);
  const own = files.filter((name) => name.endsWith(".rs")).map((name) => posix.join(directory, name));
  if (!nested) return own;
  // What Cargo makes is beside a manifest; a module may have the same name.
  const isRoot = files.includes("Cargo.toml");
  const below = directories
    .filter((name) => ![".git", "node_modules"].includes(name) && !(isRoot && /^(target|vendor)$/.test(name)))
    .map((name) => posix.join(directory, name))
    .filter((at) => !tree.list(at).files.includes("Cargo.toml"));
  return [...own, ...below.flatMap((at) => sourcesBelow(tree, at, true))];
}

/** The paths that lead up, from the first `..` on up to what is no name of a file, and what else is in a text. */
function pathsUp(text: string): { paths: ReadonlySet<string>; rest: string } {
  const paths = new Set<string>();
  if (!text.includes("..")) return { paths, rest: text };
  // A path in quotes may have spaces in it.
  for (const piece of text.split(/["'\n]/)) {
    const path = piece.slice(Math.max(0, piece.indexOf("../")));
    if (path.length < 300 && path.startsWith("../") && path.includes(" ") && /^[\w.@+~/ -]*$/.test(path))
      paths.add(path);
  }
  const rest = text.split(/["'`\s=:;,|(){}<>[\]]/).filter((piece) => {
    const parts = piece.split("/");
    const first = parts.indexOf("..");
    if (first === -1) return true;
    const up = parts.slice(first);
    const end = up.findIndex((part) => !/^[\w.@+~-]*$/.test(part));
    paths.add((end === -1 ? up : up.slice(0, end)).join("/"));
    return false;
  });
  return { paths, rest: rest.join(" ") };
}

function targetsOf(path: string, from: readonly string[]): string[] {
  // What leads up and names nothing may be the beginning of a path that is put together.
  if (/^[./]*$/.test(path)) return ["."];
  return from.flatMap((at) => pathWithin(at, path) ?? []);
}

/** What a build script takes from elsewhere that reads no files but those it is given: other crates may look for some. */
const known = new Set(
  (
    "cc cmake pkg-config bindgen cbindgen prost-build tonic-build tonic-prost-build protobuf-codegen protobuf-codegen3 " +
    "protoc-bin-vendored protox vergen vergen-git2 vergen-gitcl vergen-gix built shadow-rs autocfg rustc_version version_check " +
    "rustversion chrono time anyhow eyre color-eyre thiserror serde serde_json serde_yaml toml regex winres winresource " +
    "embed-resource lalrpop phf phf_codegen tauri-build napi-build pyo3-build-config quote proc-macro2 syn prettyplease heck " +
    "itertools flate2 sha2 hex base64 cfg_aliases vcpkg metadeps system-deps git2"
  ).split(" "),
);

function isUnderstood(tree: SourceTree, crate: Crate | undefined, searches: () => boolean): boolean {
  if (crate === undefined) return false;
  if (crate.procMacro && searches()) return false;
  if (crate.buildScript === undefined) return true;
  if (crate.foreignForBuildScript.some((name) => !known.has(name.replace(/_/g, "-")) && !known.has(name))) return false;
  const script = tree.read(crate.buildScript) ?? "";
  return !mayReadAnything(script) && !/\bmod\s+\w+\s*;|\binclude!/.test(script);
}

/** Whether code that runs while others are compiled may find files that it does not name. */
function mayReadAnything(text: string): boolean {
  if (
    /\b(parent|ancestors|pop|canonicalize|current_dir|set_current_dir|current_exe|absolute|walkdir|WalkDir|cargo_metadata|workspace_root|home_dir)\b/.test(
      text,
    )
  )
    return true;
  const harmlessPrograms = /^\s*\(\s*"(git|rustc|date|protoc)"/;
  if (text.split(/\bCommand::new/).some((rest, index) => index > 0 && !harmlessPrograms.test(rest.slice(0, 100))))
    return true;
  const harmlessVariables =
    /^!?\s*\(\s*"(CARGO_(MANIFEST_DIR|MANIFEST_PATH|PKG_\w+|CFG_\w+|FEATURE_\w+|CRATE_NAME|BIN_NAME)|OUT_DIR|TARGET|HOST|NUM_JOBS|OPT_LEVEL|DEBUG|PROFILE|RUSTC|SOURCE_DATE_EPOCH|PROTOC)"/;
  return text
    .split(/\b(?:var|var_os|option_env|env)(?=!?\s{0,8}\()/)
    .some((rest, index) => index > 0 && !harmlessVariables.test(rest.slice(0, 200)));
}
