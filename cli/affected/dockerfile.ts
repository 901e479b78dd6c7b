import { posix } from "node:path";

/** What a Dockerfile takes from its build context. */
interface DockerfileSources {
  /** Paths and globs, relative to the context; `.` is all of it. What one stage has from another counts as what it was there. */
  readonly copied: readonly string[];
  readonly goBuilds: readonly GoBuild[];
}

export function dockerfileSources(text: string): DockerfileSources {
  const { copied, runs } = readStages(instructions(text));
  return { copied, goBuilds: runs.flatMap(goBuilds) };
}

/** What is where in a stage of a Dockerfile. */
interface Stage {
  /** Absolute; `/` where it is the base image's. */
  readonly directory: string;
  readonly copies: readonly Copy[];
}

/** A RUN, in the stage as it is then. */
interface Run extends Stage {
  readonly command: string;
}

/** What a stage has from the context. */
interface Copy {
  /** Relative to the context; `.` is all of it. */
  readonly from: string;
  /** Absolute, in the stage. */
  readonly to: string;
}

const emptyStage: Stage = { directory: "/", copies: [] };

/** Follows the files of the context through the stages of a Dockerfile. Source: https://docs.docker.com/reference/dockerfile/ */
function readStages(lines: readonly string[]): {
  readonly copied: readonly string[];
  readonly runs: readonly Run[];
} {
  const copied: string[] = [];
  const runs: Run[] = [];
  const stages = new Map<string, Stage>();
  const state: { stage: Stage; names: readonly string[]; count: number } = { stage: emptyStage, names: [], count: 0 };
  for (const line of lines) {
    const [, instruction = "", rest = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    const { directory, copies } = state.stage;
    switch (instruction.toUpperCase()) {
      case "FROM": {
        const [, base = "", name = ""] = /^(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?/i.exec(rest) ?? [];
        state.stage = stages.get(base.toLowerCase()) ?? emptyStage;
        state.names = [name.toLowerCase(), String(state.count++)];
        break;
      }
      case "WORKDIR":
        state.stage = { directory: posix.resolve(directory, argumentsOf(rest)[0] ?? ""), copies };
        break;
      case "COPY":
      case "ADD": {
        const added = copiesOf(rest, directory, stages);
        copied.push(...added.map(({ from }) => from));
        state.stage = { directory, copies: [...copies, ...added] };
        break;
      }
      case "RUN": {
        const mounted = mountsOf(rest, directory, stages);
        copied.push(...mounted.map(({ from }) => from));
        runs.push({ command: rest.replace(/^(--\S+\s+)*/, ""), directory, copies: [...copies, ...mounted] });
        break;
      }
    }
    for (const name of state.names) stages.set(name, state.stage);
  }
  return { copied, runs };
}

/** The paths of the context of which a path in a stage may be a copy. */
function originsOf(copies: readonly Copy[], path: string): string[] {
  const origins = copies.flatMap(({ from, to }) => {
    const within = inside(to, path);
    return within === undefined ? [] : [posix.join(from, within)];
  });
  return [...new Set(origins)];
}

/** A path relative to a directory that it is in, or is. */
function inside(directory: string, path: string): string | undefined {
  const within = posix.relative(directory, path);
  return within === ".." || within.startsWith("../") ? undefined : within;
}

type Stages = ReadonlyMap<string, Stage>;

function copiesOf(rest: string, directory: string, stages: Stages): Copy[] {
  // The content of a here-document stands in the Dockerfile itself.
  if (/(^|\s)<<-?["']?\w/.test(rest)) return [];
  const [flags = ""] = /^(--\S+\s+)*/.exec(rest) ?? [];
  const words = argumentsOf(rest.slice(flags.length));
  const to = posix.resolve(directory, words.at(-1) ?? "");
  const [, stage] = /--from=(\S+)/i.exec(flags) ?? [];
  const sources = words.slice(0, -1).filter((source) => !/^(https?:|git@|git:)/.test(source));
  if (stage !== undefined) return sources.flatMap((source) => fromStage(stages, stage, source, to));
  return sources.map(contextPath).map((from) => ({ from, to: /--parents\b/.test(flags) ? posix.join(to, from) : to }));
}

function mountsOf(rest: string, directory: string, stages: Stages): Copy[] {
  return [...rest.matchAll(/--mount=(\S+)/g)].flatMap(([, options = ""]) => {
    const settings = new Map(options.split(",").map((option): [string, string] => pair(option)));
    if ((settings.get("type") ?? "bind") !== "bind") return [];
    const source = settings.get("source") ?? settings.get("src") ?? ".";
    const target = settings.get("target") ?? settings.get("dst") ?? settings.get("destination") ?? ".";
    const [stage, to] = [settings.get("from"), posix.resolve(directory, target)];
    return stage === undefined ? [{ from: contextPath(source), to }] : fromStage(stages, stage, source, to);
  });
}

/** What another stage has from the context at a path, and below it; nothing if it is not a stage but another image. */
function fromStage(stages: Stages, stage: string, source: string, to: string): Copy[] {
  const { copies } = stages.get(stage.toLowerCase()) ?? emptyStage;
  const path = posix.resolve("/", contextPath(source));
  const below = copies.flatMap((copy) => {
    const within = inside(path, copy.to);
    return within === undefined || within === "" ? [] : [{ from: copy.from, to: posix.join(to, within) }];
  });
  return [...originsOf(copies, path).map((from) => ({ from, to })), ...below];
}

function pair(option: string): [string, string] {
  const [key = "", ...value] = option.split("=");
  return [key, value.join("=")];
}

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
function goBuilds({ command, directory, copies }: Run): GoBuild[] {
  const state: { at: string; around: string[] } = { at: directory, around: [] };
  const line = command.startsWith("[") ? argumentsOf(command).join(" ") : command;
  return shellCommands(line).flatMap((words): GoBuild[] => {
    if (words[0] === "(") state.around.push(state.at);
    if (words[0] === ")") state.at = state.around.pop() ?? state.at;
    if (words[0] === "cd") state.at = posix.resolve(state.at, words[1] ?? "");
    const go = words.findIndex((word, index) => /(^|[/-])go$/.test(word) && subcommands.has(words[index + 1] ?? ""));
    if (go === -1) return [];
    const { at, named } = argumentsOfGo(words.slice(go + 2), state.at);
    // With a version (`@`), Go takes a module from elsewhere; what an argument of the build (`$`) stands for is not known.
    return named.filter((word) => !/[$@]/.test(word)).flatMap((word) => builtPackages(word, at, { directory, copies }));
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

function builtPackages(word: string, at: string, stage: Stage): GoBuild[] {
  const below = /(^|\/)\.\.\.$/.test(word);
  const path = word.replace(/\/?\.\.\.$/, "");
  if (!/^(\.{0,2}(\/|$)|.*\.go$)/.test(path))
    return contextDirectories(stage, at).map((directory) => ({ directory, importPath: path, below }));
  const absolute = posix.resolve(at, path.endsWith(".go") ? posix.dirname(path) : path);
  return contextDirectories(stage, absolute).map((directory) => ({ directory, below }));
}

/** The directories of the context that a path in a stage is copied from. If none is known, the WORKDIR counts as the context's root. */
function contextDirectories({ directory, copies }: Stage, path: string): string[] {
  const directories = copies.map(({ from, to }) => ({ to, from: from.endsWith(".go") ? posix.dirname(from) : from }));
  const found = originsOf(directories, path);
  return found.length > 0 ? found : [posix.relative(directory, path) || "."];
}

/** The instructions of a Dockerfile, one per line, without comments and continuations. */
function instructions(text: string): string[] {
  return text
    .replaceAll(/^\s*#.*\r?\n/gm, "")
    .replaceAll(/\\[ \t]*\r?\n/g, " ")
    .split(/\r?\n/)
    .map((line) => line.trim());
}

/** The arguments of an instruction, which are words or a JSON array. */
function argumentsOf(text: string): string[] {
  if (text.startsWith("[")) {
    const strings = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)];
    return strings.map(([, word = ""]) => word.replaceAll(/\\(.)/g, "$1"));
  }
  return text
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => word.replace(/^(["'])(.*)\1$/, "$2"));
}

/** A path of the context, relative to it. What an argument of the build stands for is not known here: it could be anything. */
function contextPath(source: string): string {
  const known = source.includes("$") ? source.slice(0, source.lastIndexOf("/", source.indexOf("$")) + 1) : source;
  const path = known.replace(/^(\.?\/+)+/, "").replace(/\/+$/, "");
  return path === "" ? "." : path;
}

/** The simple commands of a shell's command line, as words without quotes; `(` and `)` are commands of their own. */
function shellCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(tokens)) {
    if (token === "(" || token === ")") commands.push([token], []);
    else if (/^[;|&\n]+$/.test(token)) commands.push([]);
    else commands.at(-1)?.push(unquoted(token));
  }
  return commands.filter((words) => words.length > 0);
}

const quoted = String.raw`"(?:[^"\\]|\\[^])*"|'[^']*'`;
const tokens = new RegExp(
  String.raw`(?:[^\s"';|&()$\x60\\]|\\[^]|${quoted}|\$\([^)]*\)|\x60[^\x60]*\x60|\$)+|[;|&\n]+|[()]`,
  "g",
);

function unquoted(token: string): string {
  return token.replaceAll(new RegExp(`${quoted}|\\\\[^]`, "g"), (part) =>
    /^["']/.test(part) ? part.slice(1, -1) : part.slice(1),
  );
}
