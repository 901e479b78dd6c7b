import { posix } from "node:path";
import type { BuildChoice } from "../../components/dockerfile/dockerfile.ts";
import type { Tool } from "./build-commands.ts";
import { chosenInstructions } from "./dockerfile-target.ts";
import {
  isDocument,
  jsonWords,
  parseInstructions,
  splitFlags,
  type Instruction,
} from "../../components/dockerfile/dockerfile-instructions.ts";
import {
  declareArguments,
  inheritedVariables,
  setEnvironment,
  type StageVariables,
} from "../../components/dockerfile/dockerfile-variables.ts";
import { expandWord } from "../../components/dockerfile/dockerfile-words.ts";
import { inside, originsOf, readRun, type Copy, type Run, type Stage } from "./run-instruction.ts";
import { memoize } from "./source-tree.ts";

/** What a Dockerfile takes from its build context. */
interface DockerfileSources extends Commands {
  /** Paths and globs, relative to the context; `.` is all of it. What one stage has from another counts as what it was there. */
  readonly copied: readonly string[];
  /** Those of them that the image has as they are, and not only what a stage makes of them. */
  readonly kept: readonly string[];
  /** What works with them in the stages that have them: source → tools. */
  readonly tools: ReadonlyMap<string, ReadonlySet<Tool>>;
  /** The images that its stages begin with or copy from, but for its own stages; what no ARG gives a value is left out. */
  readonly images: readonly string[];
}

/** What the commands of all stages do. */
type Commands = Omit<ReturnType<typeof readRun>, "tools">;

/** Follows the files of the context through the stages of a Dockerfile. Source: https://docs.docker.com/reference/dockerfile/ */
export function dockerfileSources(text: string, choice: BuildChoice = {}): DockerfileSources {
  return sourcesOf(JSON.stringify([text, choice]));
}

/** Each is read once: who builds on whom is asked apart from what an image is made of. */
const sourcesOf = memoize((given): DockerfileSources => {
  // It was written by the line above.
  const [text, choice] = JSON.parse(given) as [string, BuildChoice];
  const { instructions, complete } = chosenInstructions(parseInstructions(text), choice);
  const { copied, final, runs, images } = readStages(instructions);
  const tools = new Map<string, Set<Tool>>();
  const read = runs.map((run) => ({ ...readRun(run), copies: run.copies }));
  for (const { copies, tools: taken } of read)
    for (const { from } of copies) for (const tool of taken) tools.set(from, (tools.get(from) ?? new Set()).add(tool));
  const commands: Commands = {
    goBuilds: read.flatMap(({ goBuilds }) => goBuilds),
    nodeWords: read.flatMap(({ nodeWords }) => nodeWords),
    cargo: read.flatMap(({ cargo }) => cargo),
    python: read.flatMap(({ python }) => python),
    reads: read.flatMap(({ reads }) => reads),
  };
  const kept = final.copies.map(({ from }) => from);
  if (complete) return { copied, kept, tools, images, ...commands };
  // What is not understood may copy anything.
  const everything = { copied: [...copied, "."], kept: [...kept, "."] };
  return { ...everything, tools: new Map([...tools, [".", new Set(["unknown"])]]), images, ...commands };
});

const unknownCommand: Instruction = { keyword: "RUN", rest: "unknown", documents: [] };
/** So many files and directories of the context one stage may have, counted each time that it has them. */
const mostCopies = 2000;
const emptyStage: Stage = { directory: "/", copies: [], shell: "sh" };

/** A stage as it is read. */
interface OpenStage extends Stage, StageVariables {}

function readStages(instructions: readonly Instruction[]) {
  const copied: string[] = [];
  const runs: Run[] = [];
  const images = new Set<string>();
  const stages = new Map<string, OpenStage>();
  const globals = new Map<string, string>();
  const none: OpenStage = { ...emptyStage, ...inheritedVariables() };
  /** What a stage of another name may be: any of them, if the name is not known. */
  const stageOf = (given: string): OpenStage | undefined => {
    const name = valueOf(given, globals);
    if (name === undefined) return { ...none, copies: [...stages.values()].flatMap(({ copies }) => copies) };
    const stage = stages.get(name.toLowerCase());
    if (stage === undefined && name !== "" && name !== "scratch") images.add(name);
    return stage;
  };
  const state: { stage: OpenStage; names: readonly string[]; count: number } = { stage: none, names: [], count: 0 };
  for (const instruction of instructions) {
    const { keyword, rest } = instruction;
    const { directory, copies, variables } = state.stage;
    /** A word as it is written, where it is not known what its variables stand for. */
    const known = (word: string): string => valueOf(word, variables) ?? word;
    switch (keyword) {
      case "ARG":
        // Only what is declared before the first stage counts for `FROM`.
        if (state.count === 0) declareArguments(rest, globals, { unknown });
        else declareArguments(rest, variables, { globals, unknown });
        break;
      case "ENV":
        setEnvironment(rest, state.stage, unknown);
        break;
      case "FROM": {
        const [base = "", as = "", name = ""] = splitFlags(rest).rest.split(/\s+/);
        const begun = stageOf(base) ?? none;
        state.stage = { ...begun, ...inheritedVariables(begun) };
        // What such a base image does with the context, only its own Dockerfile says.
        if (/\bonbuild\b/i.test(base)) {
          copied.push(".");
          state.stage = { ...state.stage, copies: [...state.stage.copies, { from: ".", to: "/" }] };
        }
        state.names = [as.toLowerCase() === "as" ? name.toLowerCase() : "", String(state.count++)];
        break;
      }
      case "WORKDIR":
        state.stage = { ...state.stage, directory: posix.resolve(directory, known(argumentsOf(rest)[0] ?? "")) };
        break;
      case "SHELL":
        state.stage = { ...state.stage, shell: jsonWords(rest)?.[0] ?? "" };
        break;
      case "COPY":
      case "ADD": {
        const added = copiesOf(rest, { directory, stageOf, known });
        copied.push(...added.map(({ from }) => from));
        state.stage = { ...state.stage, copies: [...copies, ...added] };
        break;
      }
      case "RUN": {
        const mounted = mountsOf(rest, { directory, stageOf, known });
        copied.push(...mounted.map(({ from }) => from));
        runs.push({ ...state.stage, instruction, copies: [...copies, ...mounted] });
        break;
      }
      case "CMD":
      case "ENTRYPOINT":
        // What is compiled only when it starts may be anything that the image has.
        if (/^(\[\s*")?(go|cargo)\b/.test(rest)) runs.push({ ...state.stage, instruction: unknownCommand });
        break;
    }
    if (state.stage.copies.length > mostCopies) {
      // Stages that copy from each other may double what they have each time: then it is not followed where each of it is.
      state.stage = { ...state.stage, copies: [...new Set(copied)].map((from) => ({ from, to: "/" })) };
      runs.push({ ...state.stage, instruction: unknownCommand });
    }
    for (const name of state.names) stages.set(name, state.stage);
  }
  return { copied, final: state.stage, runs, images: [...images] };
}

/** What stands for a variable of which only the builder knows the value. */
const unknown = "$";

/** A word in which variables stand for their values; `undefined`: one of them has none. */
function valueOf(word: string, values: ReadonlyMap<string, string>): string | undefined {
  const value = expandWord(word, (name) => values.get(name), unknown);
  return value.includes(unknown) ? undefined : value;
}

/** What an instruction's paths and names mean. */
interface Meaning {
  readonly directory: string;
  readonly stageOf: (name: string) => Stage | undefined;
  /** A word with the values of its variables. */
  readonly known: (word: string) => string;
}

function copiesOf(given: string, { directory, stageOf, known }: Meaning): Copy[] {
  const { flags, rest } = splitFlags(given);
  // The content of a here-document stands in the Dockerfile itself.
  const words = argumentsOf(rest)
    .filter((word) => !isDocument(word))
    .map(known);
  const to = posix.resolve(directory, words.at(-1) ?? "");
  const stage = flags.find((flag) => /^--from=/i.test(flag))?.slice("--from=".length);
  const sources = words.slice(0, -1).filter((source) => !/^(https?:|git@|git:)/.test(source));
  if (stage !== undefined) return sources.flatMap((source) => fromStage(stageOf(stage), source, to));
  const parents = flags.some((flag) => /^--parents(=true)?$/i.test(flag));
  return sources.map((source) => {
    // Of the directories before `/./`, the image has none.
    const kept = contextPath(source.slice(Math.max(0, source.indexOf("/./"))));
    return { from: contextPath(source), to: parents ? posix.join(to, kept) : to };
  });
}

function mountsOf(rest: string, { directory, stageOf, known }: Meaning): Copy[] {
  return splitFlags(rest).flags.flatMap((flag) => {
    if (!flag.startsWith("--mount=")) return [];
    const settings = new Map(flag.slice("--mount=".length).split(",").map(pair));
    if ((settings.get("type") ?? "bind") !== "bind") return [];
    const source = known(settings.get("source") ?? settings.get("src") ?? ".");
    const target = known(settings.get("target") ?? settings.get("dst") ?? settings.get("destination") ?? ".");
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
