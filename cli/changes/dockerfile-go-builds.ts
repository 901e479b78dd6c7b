import { posix } from "node:path";
import { argumentsOf } from "./dockerfile-lines.ts";
import { originsOf, type Run, type Stage } from "./dockerfile-stages.ts";
import { shellCommands } from "./shell-commands.ts";

/** Go packages that a Dockerfile builds. */
export interface GoBuild {
  /** Theirs, or the one in which an import path counts. Relative to the context. */
  readonly directory: string;
  /** @default the package is that of the directory */
  readonly importPath?: string;
  /** Whether all packages below it are meant (`/...`). */
  readonly below: boolean;
}

/** The packages that the `go build`, `install`, `run` and `generate` of a RUN name; none where an argument of the build does. */
export function goBuilds({ command, directory, copies }: Run): GoBuild[] {
  const state: { at: string; around: string[] } = { at: directory, around: [] };
  const line = command.startsWith("[") ? argumentsOf(command).join(" ") : command;
  return shellCommands(line).flatMap((words): GoBuild[] => {
    if (words[0] === "(") state.around.push(state.at);
    if (words[0] === ")") state.at = state.around.pop() ?? state.at;
    if (words[0] === "cd") state.at = posix.resolve(state.at, words[1] ?? "");
    const go = words.findIndex((word, index) => /(^|[/-])go$/.test(word) && subcommands.has(words[index + 1] ?? ""));
    if (go === -1) return [];
    const { at, named } = argumentsOfGo(words.slice(go + 2), state.at);
    // Of another version, a module is not that of the context.
    return named.filter((word) => !/[$@]/.test(word)).flatMap((word) => built(word, at, { directory, copies }));
  });
}

const subcommands = new Set(["build", "install", "run", "generate"]);

/** Source: `go help build` */
const valued =
  /^--?(o|p|C|asmflags|buildmode|compiler|covermode|coverpkg|exec|gccgoflags|gcflags|installsuffix|ldflags|mod|modfile|overlay|pgo|pkgdir|run|skip|tags|toolexec)$/;

function argumentsOfGo(words: readonly string[], directory: string): { at: string; named: string[] } {
  const named = words.filter((word, index) => !/^-|[<>]/.test(word) && !valued.test(words[index - 1] ?? ""));
  const change = words.findIndex((word) => /^--?C(=|$)/.test(word));
  const [, given = words[change + 1] ?? ""] = /=(.*)$/.exec(words[change] ?? "") ?? [];
  const at = change === -1 ? directory : posix.resolve(directory, given);
  return { at, named: named.length === 0 ? ["."] : named };
}

function built(word: string, at: string, stage: Stage): GoBuild[] {
  const below = /(^|\/)\.\.\.$/.test(word);
  const path = word.replace(/\/?\.\.\.$/, "");
  if (!/^(\.{0,2}(\/|$)|.*\.go$)/.test(path))
    return contextDirectories(stage, at).map((directory) => ({ directory, importPath: path, below }));
  const absolute = posix.resolve(at, path.endsWith(".go") ? posix.dirname(path) : path);
  return contextDirectories(stage, absolute).map((directory) => ({ directory, below }));
}

/** Where nothing is known to be copied there, its WORKDIR is taken for the context's copy. */
function contextDirectories({ directory, copies }: Stage, path: string): string[] {
  const directories = copies.map(({ from, to }) => ({ to, from: from.endsWith(".go") ? posix.dirname(from) : from }));
  const found = originsOf(directories, path);
  return found.length > 0 ? found : [posix.relative(directory, path) || "."];
}
