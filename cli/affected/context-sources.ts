import { posix } from "node:path";
import {
  isDocument,
  jsonWords,
  parseInstructions,
  splitFlags,
  type Instruction,
} from "../../components/dockerfile/dockerfile-instructions.ts";
import type { BuildChoice } from "../../components/dockerfile/dockerfile.ts";
import {
  declareArguments,
  inheritedVariables,
  setEnvironment,
  type StageVariables,
} from "../../components/dockerfile/dockerfile-variables.ts";
import { expandWord, splitWords } from "../../components/dockerfile/dockerfile-words.ts";
import { chosenInstructions } from "./dockerfile-target.ts";

/**
 * What the stage of a Dockerfile that is the image, and the stages that it needs, take from the build context: paths and globs, relative to
 * the context. Build arguments have their defaults; what only the builder knows may be anything (`*`). Nothing of a Dockerfile
 * that is not understood as a whole.
 * Source: https://docs.docker.com/reference/dockerfile/
 */
export function contextSources(text: string, choice: BuildChoice): readonly string[] {
  const { instructions, complete } = chosenInstructions(parseInstructions(text), choice);
  if (!complete) return [];
  const stages = readStages(instructions);
  const needed = new Set(stages.slice(-1));
  // Iterating over a Set also visits what is added meanwhile.
  for (const { needs } of needed) for (const stage of needs) needed.add(stage);
  return [...new Set([...needed].flatMap(({ sources }) => sources))];
}

interface Stage extends StageVariables {
  /** Those that it begins with, or takes from. */
  readonly needs: Stage[];
  readonly sources: string[];
  /** What is done in the stages that begin with it (ONBUILD). */
  readonly deferred: Instruction[];
}

/** What only the builder knows. */
const unknown = "*";

function readStages(instructions: readonly Instruction[]): readonly Stage[] {
  const stages: Stage[] = [];
  const byName = new Map<string, Stage>();
  const globals = new Map<string, string>();
  for (const instruction of instructions) {
    const { keyword, rest } = instruction;
    const stage = stages.at(-1);
    // What is for other images is not done here, unless one of them is made here, too.
    if (instruction.deferred === true) {
      stage?.deferred.push(instruction);
      continue;
    }
    if (keyword === "FROM") {
      const [base = "", as = "", name = ""] = splitWords(splitFlags(rest).rest);
      const begun = byName.get(valueOf(base, globals).toLowerCase());
      const added: Stage = {
        needs: begun === undefined ? [] : [begun],
        sources: [],
        deferred: [],
        ...inheritedVariables(begun),
      };
      byName.set(String(stages.length), added);
      if (as.toLowerCase() === "as") byName.set(name.toLowerCase(), added);
      stages.push(added);
      for (const one of begun?.deferred ?? []) readStaged(one, added, byName, globals);
    } else if (stage === undefined) {
      if (keyword === "ARG") declareArguments(rest, globals, { unknown });
    } else readStaged(instruction, stage, byName, globals);
  }
  return stages;
}

function readStaged(
  { keyword, rest: given }: Instruction,
  stage: Stage,
  byName: ReadonlyMap<string, Stage>,
  globals: ReadonlyMap<string, string>,
): void {
  if (keyword === "ARG") return declareArguments(given, stage.variables, { globals, unknown });
  const { flags, rest } = splitFlags(given);
  const known = stage.variables;
  const need = (name: string): void => {
    const other = byName.get(valueOf(name, known).toLowerCase());
    if (other !== undefined && other !== stage) stage.needs.push(other);
  };
  if (keyword === "ENV") setEnvironment(rest, stage, unknown);
  else if (keyword === "COPY" || keyword === "ADD") {
    const from = flags.find((flag) => /^--from=/i.test(flag))?.slice("--from=".length);
    if (from !== undefined) return need(from);
    // The content of a here-document stands in the Dockerfile itself; the last word is where all goes to.
    const words = (jsonWords(rest) ?? splitWords(rest)).slice(0, -1).filter((word) => !isDocument(word));
    stage.sources.push(...words.flatMap((word) => contextPath(valueOf(word, known))));
  } else if (keyword === "RUN") {
    for (const flag of flags.filter((name) => name.startsWith("--mount="))) {
      const options = new Map(flag.slice("--mount=".length).split(",").map(split));
      const from = options.get("from");
      if (from !== undefined) need(from);
      else if ((options.get("type") ?? "bind") === "bind")
        stage.sources.push(...contextPath(valueOf(options.get("source") ?? options.get("src") ?? ".", known)));
    }
  }
}

function split(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function valueOf(word: string, known: ReadonlyMap<string, string>): string {
  return expandWord(word, (name) => known.get(name), unknown);
}

/** @returns nothing for what comes from elsewhere */
function contextPath(source: string): readonly string[] {
  if (/^([a-z][a-z0-9+.-]*:\/\/|git@)/i.test(source)) return [];
  const path = posix.normalize(`/${source}`).replace(/^\/+|\/$/g, "");
  return [path === "" ? "." : path];
}
