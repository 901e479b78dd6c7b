import { posix } from "node:path";
import { goArguments, readCommand, type Tool } from "./build-commands.ts";
import type { CargoTargets } from "./cargo-command.ts";
import {
  isDocument,
  jsonWords,
  splitFlags,
  type Instruction,
} from "../../components/dockerfile/dockerfile-instructions.ts";
import type { PythonInstallation } from "./python-command.ts";
import { shellCommands } from "./shell-commands.ts";

/** What is where in a stage of a Dockerfile. */
export interface Stage {
  /** Absolute; `/` where it is the base image's. */
  readonly directory: string;
  readonly copies: readonly Copy[];
  /** What commands are given to, unless they are in JSON. */
  readonly shell: string;
}

/** A RUN, in the stage as it is then. */
export interface Run extends Stage {
  readonly instruction: Instruction;
}

/** What a stage has from the context. */
export interface Copy {
  /** Relative to the context; `.` is all of it. */
  readonly from: string;
  /** Absolute, in the stage. */
  readonly to: string;
}

/** The paths of the context of which a path in a stage may be a copy. */
export function originsOf(copies: readonly Copy[], path: string): string[] {
  const origins = copies.flatMap(({ from, to }) => {
    const within = inside(to, path);
    return within === undefined ? [] : [posix.join(from, within)];
  });
  return [...new Set(origins)];
}

/** A path relative to a directory that it is in, or is. */
export function inside(directory: string, path: string): string | undefined {
  const within = posix.relative(directory, path);
  return within === ".." || within.startsWith("../") ? undefined : within;
}

/** Go packages that a Dockerfile builds. */
export interface GoBuild {
  /** Theirs, or the one in which an import path counts. Relative to the context. */
  readonly directory: string;
  /** @default the package is that of the directory */
  readonly importPath?: string;
  /** Whether all packages below it are meant (`/...`). */
  readonly below: boolean;
  /** Whether the programs of all of them are written. @default what is built is only checked, if there are several */
  readonly written?: true;
}

/** What Cargo builds, and where: directories relative to the context. */
export interface CargoBuild extends CargoTargets {
  readonly directories: readonly string[];
}

/** What Python's package managers install. All paths are relative to the context. */
export interface PythonInstall extends PythonInstallation {
  /** Where they are called. */
  readonly directories: readonly string[];
}

/** A path of the context that a command may read, and what the stage with that command has. */
interface Read {
  readonly path: string;
  readonly sources: readonly string[];
}

/** What a RUN does: what it builds with which tools, and what else it reads. */
export function readRun({ instruction, directory, copies, shell }: Run) {
  const found = {
    goBuilds: [] as GoBuild[],
    nodeWords: [] as string[],
    cargo: [] as CargoBuild[],
    python: [] as PythonInstall[],
    reads: [] as Read[],
    tools: new Set<Tool>(),
  };
  const stage = { directory, copies };
  const { commands, complete } = commandsOf(instruction);
  if (!complete || !/(^|\/)(ba|da|a|z|k)?sh$/.test(shell)) found.tools.add("unknown");
  const state: { at: string; around: string[] } = { at: directory, around: [] };
  for (const words of commands) {
    if (words[0] === "(") state.around.push(state.at);
    if (words[0] === ")") state.at = state.around.pop() ?? state.at;
    if (words[0] === "cd") state.at = posix.resolve(state.at, words[1] ?? "");
    const { tools, go, node = [], cargo, python, reads = [] } = readCommand(words);
    for (const tool of tools) found.tools.add(tool);
    found.nodeWords.push(...node, ...(tools.includes("node") ? directoryNames(stage, state.at) : []));
    const within = (path: string): string[] => contextDirectories(stage, posix.resolve(state.at, path));
    if (cargo !== undefined) found.cargo.push({ ...cargo, directories: within(cargo.at) });
    if (python !== undefined)
      found.python.push({ ...python, directories: within("."), paths: python.paths.flatMap(within) });
    for (const path of reads.flatMap((read) => originsOf(copies, posix.resolve(state.at, read))))
      found.reads.push({ path, sources: copies.map(({ from }) => from) });
    if (go === undefined) continue;
    const { at, named } = goArguments(go.words, state.at);
    // With a version (`@`), Go takes a module from elsewhere; what an argument of the build (`$`) stands for is not known.
    const known = named.filter((word) => !/[$@]/.test(word));
    found.goBuilds.push(...known.flatMap((word) => builtPackages(word, at, stage, go.writes)));
  }
  return found;
}

/** A directory of the context, as the root of a workspace around it may name it. */
function directoryNames(stage: Pick<Stage, "directory" | "copies">, path: string): string[] {
  return contextDirectories(stage, path).flatMap((directory) => {
    const parts = directory.split("/");
    return parts.map((_, index) => parts.slice(index).join("/"));
  });
}

function commandsOf({ rest: given, documents }: Instruction): ReturnType<typeof shellCommands> {
  const { rest } = splitFlags(given);
  const [document] = documents;
  if (document !== undefined) {
    // Only a script of the shell itself is understood, and not what another program is given to read.
    const script = isDocument(rest) && documents.length === 1 && !document.startsWith("#!");
    return script ? shellCommands(document) : { commands: [], complete: false };
  }
  const words = jsonWords(rest);
  return words === undefined ? shellCommands(rest) : { commands: [words], complete: true };
}

function builtPackages(
  word: string,
  at: string,
  stage: Pick<Stage, "directory" | "copies">,
  writes: boolean,
): GoBuild[] {
  const below = /(^|\/)\.\.\.$/.test(word);
  const more = below && writes ? ({ below, written: true } as const) : { below };
  const path = word.replace(/\/?\.\.\.$/, "");
  if (!/^(\.{0,2}(\/|$)|.*\.go$)/.test(path))
    return contextDirectories(stage, at).map((directory) => ({ directory, importPath: path, ...more }));
  const absolute = posix.resolve(at, path.endsWith(".go") ? posix.dirname(path) : path);
  return contextDirectories(stage, absolute).map((directory) => ({ directory, ...more }));
}

/** The directories of the context that a path in a stage is copied from. If none is known, the WORKDIR counts as the context's root. */
function contextDirectories({ directory, copies }: Pick<Stage, "directory" | "copies">, path: string): string[] {
  const directories = copies.map(({ from, to }) => ({ to, from: from.endsWith(".go") ? posix.dirname(from) : from }));
  const found = originsOf(directories, path);
  return found.length > 0 ? found : [posix.relative(directory, path) || "."];
}
