import { posix } from "node:path";
import type { BuildChoice } from "../../components/dockerfile.ts";
import { goArguments, readCommand, type Tool } from "./build-commands.ts";
import { chosenInstructions } from "./dockerfile-target.ts";
import { isDocument, jsonWords, parseInstructions, splitFlags, type Instruction } from "./dockerfile-instructions.ts";
import { shellCommands } from "./shell-commands.ts";

/** What a Dockerfile takes from its build context. */
interface DockerfileSources {
  /** Paths and globs, relative to the context; `.` is all of it. What one stage has from another counts as what it was there. */
  readonly copied: readonly string[];
  /** Those of them that the image has as they are, and not only what a stage makes of them. */
  readonly kept: readonly string[];
  /** What works with them in the stages that have them: source → tools. */
  readonly tools: ReadonlyMap<string, ReadonlySet<Tool>>;
  readonly goBuilds: readonly GoBuild[];
  /** The words of what package managers of Node are called with. */
  readonly nodeWords: readonly string[];
  /** The images that its stages begin with or copy from, but for its own stages; what no ARG gives a value is left out. */
  readonly images: readonly string[];
}

/** Follows the files of the context through the stages of a Dockerfile. Source: https://docs.docker.com/reference/dockerfile/ */
export function dockerfileSources(text: string, choice: BuildChoice = {}): DockerfileSources {
  const { instructions, complete } = chosenInstructions(parseInstructions(text), choice);
  const { copied, final, runs, images } = readStages(instructions);
  const tools = new Map<string, Set<Tool>>();
  const goBuilds: GoBuild[] = [];
  const nodeWords: string[] = [];
  for (const run of runs) {
    const read = readRun(run);
    goBuilds.push(...read.goBuilds);
    nodeWords.push(...read.nodeWords);
    for (const { from } of run.copies)
      for (const tool of read.tools) tools.set(from, (tools.get(from) ?? new Set()).add(tool));
  }
  const kept = final.copies.map(({ from }) => from);
  if (complete) return { copied, kept, tools, goBuilds, nodeWords, images };
  // What is not understood may copy anything.
  const everything = { copied: [...copied, "."], kept: [...kept, "."] };
  return { ...everything, tools: new Map([...tools, [".", new Set(["unknown"])]]), goBuilds, nodeWords, images };
}

/** What is where in a stage of a Dockerfile. */
interface Stage {
  /** Absolute; `/` where it is the base image's. */
  readonly directory: string;
  readonly copies: readonly Copy[];
  /** What commands are given to, unless they are in JSON. */
  readonly shell: string;
}

/** A RUN, in the stage as it is then. */
interface Run extends Stage {
  readonly instruction: Instruction;
}

/** What a stage has from the context. */
interface Copy {
  /** Relative to the context; `.` is all of it. */
  readonly from: string;
  /** Absolute, in the stage. */
  readonly to: string;
}

const emptyStage: Stage = { directory: "/", copies: [], shell: "sh" };

function readStages(instructions: readonly Instruction[]) {
  const copied: string[] = [];
  const runs: Run[] = [];
  const images = new Set<string>();
  const stages = new Map<string, Stage>();
  /** What a stage of another name may be: any of them, if the name is not known. */
  const stageOf = (given: string): Stage | undefined => {
    const name = valueOf(given, values);
    if (name === undefined) return { ...emptyStage, copies: [...stages.values()].flatMap(({ copies }) => copies) };
    const stage = stages.get(name.toLowerCase());
    if (stage === undefined && name !== "scratch") images.add(name);
    return stage;
  };
  const values = new Map<string, string>();
  const state: { stage: Stage; names: readonly string[]; count: number } = { stage: emptyStage, names: [], count: 0 };
  for (const instruction of instructions) {
    const { keyword, rest } = instruction;
    const { directory, copies } = state.stage;
    switch (keyword) {
      case "ARG":
        // Only what is declared before the first stage counts for `FROM`.
        if (state.count === 0) for (const word of argumentsOf(rest)) values.set(...pair(word));
        break;
      case "FROM": {
        const [base = "", as = "", name = ""] = splitFlags(rest).rest.split(/\s+/);
        state.stage = stageOf(base) ?? emptyStage;
        // What such a base image does with the context, only its own Dockerfile says.
        if (/\bonbuild\b/i.test(base)) {
          copied.push(".");
          state.stage = { ...state.stage, copies: [...state.stage.copies, { from: ".", to: "/" }] };
        }
        state.names = [as.toLowerCase() === "as" ? name.toLowerCase() : "", String(state.count++)];
        break;
      }
      case "WORKDIR":
        state.stage = { ...state.stage, directory: posix.resolve(directory, argumentsOf(rest)[0] ?? "") };
        break;
      case "SHELL":
        state.stage = { ...state.stage, shell: jsonWords(rest)?.[0] ?? "" };
        break;
      case "COPY":
      case "ADD": {
        const added = copiesOf(rest, directory, stageOf);
        copied.push(...added.map(({ from }) => from));
        state.stage = { ...state.stage, copies: [...copies, ...added] };
        break;
      }
      case "RUN": {
        const mounted = mountsOf(rest, directory, stageOf);
        copied.push(...mounted.map(({ from }) => from));
        runs.push({ ...state.stage, instruction, copies: [...copies, ...mounted] });
        break;
      }
      case "CMD":
      case "ENTRYPOINT":
        // What is compiled only when it starts may be anything that the image has.
        if (/^(\[\s*")?go\b/.test(rest))
          runs.push({ ...state.stage, instruction: { ...instruction, rest: "unknown" } });
        break;
    }
    for (const name of state.names) stages.set(name, state.stage);
  }
  return { copied, final: state.stage, runs, images: [...images] };
}

/** A name in which variables stand for their values; `undefined`: one of them has none. */
function valueOf(name: string, values: ReadonlyMap<string, string>): string | undefined {
  const known = name.replaceAll(
    /\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))/g,
    (all, braced?: string, or?: string, bare?: string) => {
      const value = values.get(braced ?? bare ?? "") ?? "";
      return value === "" ? (or ?? all) : value;
    },
  );
  return known.includes("$") ? undefined : known.replace(/^(["'])(.*)\1$/, "$2");
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

type StageOf = (name: string) => Stage | undefined;

function copiesOf(given: string, directory: string, stageOf: StageOf): Copy[] {
  const { flags, rest } = splitFlags(given);
  // The content of a here-document stands in the Dockerfile itself.
  const words = argumentsOf(rest).filter((word) => !isDocument(word));
  const to = posix.resolve(directory, words.at(-1) ?? "");
  const stage = flags.find((flag) => /^--from=/i.test(flag))?.slice("--from=".length);
  const sources = words.slice(0, -1).filter((source) => !/^(https?:|git@|git:)/.test(source));
  if (stage !== undefined) return sources.flatMap((source) => fromStage(stageOf(stage), source, to));
  const parents = flags.some((flag) => flag.startsWith("--parents"));
  return sources.map(contextPath).map((from) => ({ from, to: parents ? posix.join(to, from) : to }));
}

function mountsOf(rest: string, directory: string, stageOf: StageOf): Copy[] {
  return splitFlags(rest).flags.flatMap((flag) => {
    if (!flag.startsWith("--mount=")) return [];
    const settings = new Map(flag.slice("--mount=".length).split(",").map(pair));
    if ((settings.get("type") ?? "bind") !== "bind") return [];
    const source = settings.get("source") ?? settings.get("src") ?? ".";
    const target = settings.get("target") ?? settings.get("dst") ?? settings.get("destination") ?? ".";
    const [stage, to] = [settings.get("from"), posix.resolve(directory, target)];
    return stage === undefined ? [{ from: contextPath(source), to }] : fromStage(stageOf(stage), source, to);
  });
}

/** What another stage has from the context at a path, and below it; nothing if it is not a stage but another image. */
function fromStage({ copies } = emptyStage, source: string, to: string): Copy[] {
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
  /** Whether the programs of all of them are written. @default what is built is only checked, if there are several */
  readonly written?: true;
}

/** What a RUN does: the Go packages that its `go build` and `install` name, and the tools that it takes. */
function readRun({ instruction, directory, copies, shell }: Run) {
  const found = { goBuilds: [] as GoBuild[], nodeWords: [] as string[], tools: new Set<Tool>() };
  const { commands, complete } = commandsOf(instruction);
  if (!complete || !/(^|\/)(ba|da|a|z|k)?sh$/.test(shell)) found.tools.add("unknown");
  const state: { at: string; around: string[] } = { at: directory, around: [] };
  for (const words of commands) {
    if (words[0] === "(") state.around.push(state.at);
    if (words[0] === ")") state.at = state.around.pop() ?? state.at;
    if (words[0] === "cd") state.at = posix.resolve(state.at, words[1] ?? "");
    const { tools, go, node = [] } = readCommand(words);
    for (const tool of tools) found.tools.add(tool);
    found.nodeWords.push(...node);
    if (go === undefined) continue;
    const { at, named } = goArguments(go.words, state.at);
    // With a version (`@`), Go takes a module from elsewhere; what an argument of the build (`$`) stands for is not known.
    const known = named.filter((word) => !/[$@]/.test(word));
    found.goBuilds.push(...known.flatMap((word) => builtPackages(word, at, { directory, copies }, go.writes)));
  }
  return found;
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

/** The arguments of an instruction, which are words or a JSON array. */
function argumentsOf(text: string): readonly string[] {
  return (
    jsonWords(text) ??
    text
      .split(/\s+/)
      .filter(Boolean)
      .map((word) => word.replace(/^(["'])(.*)\1$/, "$2"))
  );
}

/** A path of the context, relative to it. What an argument of the build stands for is not known here: it could be anything. */
function contextPath(source: string): string {
  const known = source.includes("$") ? source.slice(0, source.lastIndexOf("/", source.indexOf("$")) + 1) : source;
  const path = posix.normalize(`/${known}`).replace(/^\/+/, "").replace(/\/$/, "");
  return path === "" ? "." : path;
}
