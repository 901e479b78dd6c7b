import type { BuildChoice } from "../../components/dockerfile/dockerfile.ts";
import {
  splitFlags,
  type Instruction,
  type Instructions,
} from "../../components/dockerfile/dockerfile-instructions.ts";

/** A stage, in the order of the file. */
interface Stage {
  /** In small letters; empty: it has none. */
  readonly name: string;
  readonly instructions: Instruction[];
}

/**
 * What a build does of a Dockerfile: the stages that its target needs, that one last, and what is given by build arguments in
 * place of their names.
 */
export function chosenInstructions(all: Instructions, { target, buildArgs = {} }: BuildChoice): Instructions {
  const values = argumentsIn(all, buildArgs);
  const instructions = all.instructions.map((instruction) => withArguments(instruction, values));
  return { ...all, instructions: target === undefined ? instructions : neededBy(target, instructions) };
}

/** The build arguments that the Dockerfile declares, but for those that it sets to something else by ENV. */
function argumentsIn(
  { instructions }: Instructions,
  buildArgs: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const names = (keyword: string): string[] =>
    instructions.flatMap(({ keyword: is, rest }) =>
      is === keyword ? rest.split(/\s+/).map((word) => word.split("=", 1)[0] ?? "") : [],
    );
  const [declared, set] = [new Set(names("ARG")), new Set(names("ENV"))];
  return new Map(Object.entries(buildArgs).filter(([name]) => declared.has(name) && !set.has(name)));
}

/** A declaration gets the value as its default, so that those who read it later know it, too. */
function withArguments(instruction: Instruction, values: ReadonlyMap<string, string>): Instruction {
  if (values.size === 0) return instruction;
  const { keyword, rest } = instruction;
  if (keyword === "ARG") {
    const words = rest.split(/\s+/).map((word) => {
      const name = word.split("=", 1)[0] ?? "";
      const value = values.get(name);
      return value === undefined ? word : `${name}=${value}`;
    });
    return { ...instruction, rest: words.join(" ") };
  }
  return {
    ...instruction,
    rest: rest.replaceAll(
      /\$(?:(\w+)|\{(\w+)(?::?-[^{}]*)?\})/g,
      (written, bare?: string, braced?: string) => values.get(bare ?? braced ?? "") ?? written,
    ),
  };
}

/** Stages by which it is not clear what they are keep all of the file. */
function neededBy(target: string, instructions: readonly Instruction[]): readonly Instruction[] {
  const first = instructions.findIndex(({ keyword }) => keyword === "FROM");
  const before = first === -1 ? instructions : instructions.slice(0, first);
  const stages: Stage[] = [];
  for (const instruction of instructions.slice(before.length)) {
    if (instruction.keyword === "FROM") stages.push({ name: stageName(instruction), instructions: [] });
    stages.at(-1)?.instructions.push(instruction);
  }
  const numberOf = (name: string): number | undefined => {
    const found = stages.findLastIndex((stage) => stage.name === name.toLowerCase());
    if (found !== -1) return found;
    return /^\d+$/.test(name) && Number(name) < stages.length ? Number(name) : undefined;
  };
  const end = numberOf(target);
  if (end === undefined) return instructions;
  const needed = new Set([end]);
  // Iterating over a Set also visits what is added meanwhile.
  for (const number of needed)
    for (const name of stages[number]?.instructions.flatMap(usedStages) ?? []) {
      if (name.includes("$")) return instructions;
      const used = numberOf(name);
      if (used !== undefined && used < number) needed.add(used);
    }
  // A stage that is not needed stays as an empty one: others may be called by their numbers.
  const kept = stages
    .slice(0, end + 1)
    .flatMap((stage, number) =>
      needed.has(number)
        ? stage.instructions
        : [{ ...emptyStage, rest: `scratch AS ${stage.name || `unused-${number}`}` }],
    );
  return [...before, ...kept];
}

const emptyStage: Instruction = { keyword: "FROM", rest: "scratch", documents: [] };

function stageName({ rest }: Instruction): string {
  const [, as = "", name = ""] = splitFlags(rest).rest.split(/\s+/);
  return as.toLowerCase() === "as" ? name.toLowerCase() : "";
}

/** The stages, or images, that an instruction takes files from. */
function usedStages({ keyword, rest }: Instruction): string[] {
  const { flags, rest: words } = splitFlags(rest);
  if (keyword === "FROM") return [words.split(/\s+/)[0] ?? ""];
  if (!["COPY", "ADD", "RUN"].includes(keyword)) return [];
  return flags.flatMap(
    (flag) => /^--from=(.+)$/i.exec(flag)?.[1] ?? /^--mount=(?:.*,)?from=([^,]+)/.exec(flag)?.[1] ?? [],
  );
}
