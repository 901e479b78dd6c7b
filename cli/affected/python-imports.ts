import { posix } from "node:path";
import { memoize, type SourceTree } from "./source-tree.ts";

/** What a source of Python, or a file of settings beside it, names. */
export interface PythonNames {
  /** Modules that statements import, with their dots: `svc.b.models`, `..common`; a member of one counts as one, too. */
  readonly imports: ReadonlySet<string>;
  /** What stands in quotes and may be a module or a path; of files of settings, every word. */
  readonly words: ReadonlySet<string>;
  /** Words of lines that say where modules are found: `PYTHONPATH`, `sys.path`. */
  readonly paths: ReadonlySet<string>;
  /** How many directories its paths lead up from its own. */
  readonly climbs: number;
  /** Whether it goes through what is in directories. */
  readonly searches: boolean;
  /** Whether it imports what no statement and no quoted name says. */
  readonly dynamic: boolean;
}

/** Reads each line once. */
export function pythonNames(text: string, isSource: boolean): PythonNames {
  const lines = Map.groupBy(text.split("\n"), (line) => /\bpythonpath\b|\bsys\.path\b/i.test(line));
  const others = lines.get(false) ?? [];
  const names = {
    words: isSource ? new Set(others.flatMap(quotedWords)) : wordsIn(others.join("\n")),
    paths: wordsIn((lines.get(true) ?? []).join("\n").replaceAll(":", " ")),
  };
  if (!isSource) return { ...names, imports: new Set(), climbs: 0, searches: false, dynamic: false };
  return {
    ...names,
    imports: importsIn(text),
    climbs: climbsIn(text),
    searches: /\b(glob|rglob|iglob|iterdir|listdir|scandir|walk|walk_packages|iter_modules|copytree)\s?\(/.test(text),
    dynamic: isDynamic(text),
  };
}

function importsIn(text: string): Set<string> {
  const found = new Set<string>();
  const lines = text.replaceAll(/\\\r?\n/g, " ").split(/[\n;]/);
  for (let at = 0; at < lines.length; at++) {
    const statement = /(?:^|:)\s*((?:import\s|from[\s.]).*)$/.exec(lines[at] ?? "")?.[1];
    if (statement === undefined) continue;
    if (statement.startsWith("import")) {
      for (const name of statement.slice("import".length).split(",")) add(found, name);
      continue;
    }
    // There may be spaces around any dot.
    const [, given = "", members] = /^from([.\s\w]+?)\bimport\b(.*)$/.exec(statement) ?? [];
    if (members === undefined) continue;
    const list = [members];
    if (members.includes("("))
      while (!list.at(-1)?.includes(")") && at + 1 < lines.length) list.push(lines[++at] ?? "");
    const module = given.replaceAll(/\s/g, "");
    found.add(module);
    for (const line of list)
      for (const member of line.split(/[(),]/)) add(found, member, module.endsWith(".") ? module : `${module}.`);
  }
  return found;
}

/** Without what follows a name: `as`, a comment. */
function add(found: Set<string>, given: string, before = ""): void {
  const parts = given.split(".").map((part) => part.trim());
  const [name = ""] = parts.join(".").split(/[^\w.]/, 1);
  if (name !== "") found.add(`${before}${name}`);
}

/** What stands between any two quotes, or in a line between them: an odd one hides no single word. */
function quotedWords(line: string): string[] {
  return line.split(/["'`]/).flatMap((piece, index) => {
    const words = wordsIn(piece);
    return words.size < 2 && !/\s/.test(piece) ? [...words] : index % 2 === 1 ? [...words] : [];
  });
}

function wordsIn(text: string): Set<string> {
  const pieces = text.split(/["'`\s=,;()[\]{}<>|]/);
  return new Set(pieces.filter((piece) => piece.length < 300 && /^[\w./:~$@-]*[\w.]$/.test(piece)));
}

/** What leads up may do so in steps, which are added. */
function climbsIn(text: string): number {
  const count = (expression: RegExp): number => [...text.matchAll(expression)].length;
  const indexes = [...text.matchAll(/\.parents\s?\[\s?(\d{1,3})/g)].map(([, index]) => Number(index) + 1);
  const unknown = /\.parents\b(?!\s?\[\s?\d)/.test(text) ? 1000 : 0;
  // A constant is of a file elsewhere, and may be a directory that is far up itself.
  const constants = /\b[A-Z][A-Z_]+\.parent\b/.test(text) || /\b(getcwd|cwd)\s?\(/.test(text) ? 1000 : 0;
  const dots = count(/(^|["'/])\.\.(?=["'/])/g);
  return (
    unknown +
    constants +
    dots +
    indexes.reduce((sum, index) => sum + index, 0) +
    count(/\.parent\b/g) +
    count(/\bdirname\s?\(/g) +
    count(/\bpardir\b/g)
  );
}

const loaders =
  /(?<![\w.])(?:exec|execfile|__import__)\s?\(|\b(?:import_module|import_string|run_path|run_module|spec_from_file_location|exec_module|load_module|find_module|load_source)\s?\(/g;

/** Such a function by another name, or given to another one. */
const passed =
  /(?<![\w.])__import__\b(?!\s?\()|\b(?:import_module|import_string|run_path|run_module|spec_from_file_location|load_source)\b(?!\s?\()/;

/** What is given to an import as a name in quotes is found among the words, and so is a path. */
function isDynamic(text: string): boolean {
  for (const { 0: call, index } of text.matchAll(loaders)) {
    const argument = text.slice(index + call.length, index + call.length + 200);
    const isKnown = /load_source|spec_from_file_location/.test(call)
      ? /^\s*["'][\w.]+["']\s*,\s*(location\s*=\s*)?["'][^"']*["']\s*[,)]/.test(argument)
      : /^\s*["']\w[\w.]*["']\s*[,)]/.test(argument);
    if (!isKnown) return true;
  }
  if (!passed.test(text)) return false;
  const isImport = (line: string): boolean =>
    (/^\s*from\s[\s.\w]+\simport\b/.test(line) && !/\sas\s/.test(line)) || /^\s*\w+\s*,?\s*\)?\s*(#.*)?$/.test(line);
  return text.split("\n").some((line) => passed.test(line) && !isImport(line));
}

/** How far a module's name leads from a directory. */
export interface FoundModule {
  /** How many of its parts are there. */
  readonly depth: number;
  /** The source, or the directory. */
  readonly path: string;
}

/** Looks modules up by their parts, where directories with sources below them are packages. */
export function moduleLookup(tree: SourceTree) {
  const hasSources: (directory: string) => boolean = memoize((directory) => {
    const { files, directories } = tree.list(directory);
    return (
      files.some((name) => /\.pyi?$/.test(name)) ||
      directories.some((name) => isPackageName(name) && hasSources(posix.join(directory, name)))
    );
  });
  const find = (root: string, parts: readonly string[]): FoundModule => {
    const state = { path: root };
    for (const [depth, part] of parts.entries()) {
      const { files, directories } = tree.list(state.path);
      const next = posix.join(state.path, part);
      if (directories.includes(part) && hasSources(next)) state.path = next;
      else if (files.includes(`${part}.py`)) return { depth: depth + 1, path: `${next}.py` };
      else return { depth, path: state.path };
    }
    return { depth: parts.length, path: state.path };
  };
  return { find, hasSources };
}

export function isPackageName(name: string): boolean {
  return /^\w+$/.test(name) && !["node_modules", "__pycache__", "venv"].includes(name);
}
