import type { BuildChoice } from "./dockerfile.ts";
import { frontendIsKnown, parseInstructions, splitFlags, type Instruction } from "./dockerfile-instructions.ts";
import { splitWords } from "./dockerfile-words.ts";

/** A secret that a step of a Dockerfile has while it runs. */
interface SecretMount {
  readonly id: string;
  /** Whether the step fails without it. */
  readonly required: boolean;
  /** Whether the build is sure to run the step. */
  readonly runs: boolean;
}

/**
 * The secrets that the steps of a Dockerfile mount.
 * Source: https://docs.docker.com/reference/dockerfile/#run---mounttypesecret
 * @returns `undefined`: only the builder knows them, as for another frontend, or an id that is computed
 */
export function secretMounts(dockerfile: string, { target }: Pick<BuildChoice, "target">): SecretMount[] | undefined {
  if (!frontendIsKnown(dockerfile)) return undefined;
  const stages: Stage[] = [];
  for (const instruction of parseInstructions(dockerfile).instructions) {
    const { keyword, rest, deferred } = instruction;
    if (keyword === "FROM" && deferred !== true) {
      const [base = "", as = "", name = ""] = splitWords(splitFlags(rest).rest);
      stages.push({ name: as.toUpperCase() === "AS" ? name.toLowerCase() : "", uses: [base], mounts: [] });
    }
    if (keyword !== "FROM") takeFlags(instruction, stages.at(-1));
  }
  const needed = neededStages(stages, target);
  const found = stages.flatMap(({ mounts }, number) =>
    mounts.map((mount) => ({ ...mount, runs: needed.has(number) && mount.runs })),
  );
  return found.some(({ id }) => id.includes("$")) ? undefined : found;
}

interface Stage {
  /** In small letters; empty: it has none. */
  readonly name: string;
  /** The stages and images that it takes from. */
  readonly uses: string[];
  readonly mounts: SecretMount[];
}

function takeFlags({ keyword, rest, deferred }: Instruction, stage: Stage | undefined): void {
  for (const flag of splitFlags(rest).flags) {
    const from = /^--from=(.+)$/i.exec(flag)?.[1];
    if (from !== undefined && deferred !== true) stage?.uses.push(from);
    const mount = keyword === "RUN" ? /^--mount=(.+)$/i.exec(flag)?.[1] : undefined;
    if (mount === undefined) continue;
    const fields = mountFields(mount);
    if (fields.get("type") === "secret") {
      const id = fields.get("source") ?? fields.get("src") ?? fields.get("id") ?? lastPart(targetOf(fields));
      const required = ["", "1", "t", "T", "true", "TRUE", "True"].includes(fields.get("required") ?? "false");
      if (id !== "") stage?.mounts.push({ id, required, runs: deferred !== true });
    } else if (deferred !== true) stage?.uses.push(...[fields.get("from")].filter((name) => name !== undefined));
  }
}

/** A line of comma-separated values, some in quotes. */
function mountFields(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(",").map((field): [string, string] => {
      const plain = field.replaceAll('"', "");
      const at = plain.indexOf("=");
      return at === -1 ? [plain.toLowerCase(), ""] : [plain.slice(0, at).toLowerCase(), plain.slice(at + 1)];
    }),
  );
}

function targetOf(fields: ReadonlyMap<string, string>): string {
  return fields.get("target") ?? fields.get("dst") ?? fields.get("destination") ?? "";
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The numbers of the stages that a target is made from; one that is named by a variable is not among them. */
function neededStages(stages: readonly Stage[], target: string | undefined): ReadonlySet<number> {
  const numberOf = (name: string, before: number): number | undefined => {
    const found = stages.slice(0, before).findLastIndex((stage) => stage.name === name.toLowerCase());
    if (found !== -1) return found;
    return /^\d+$/.test(name) && Number(name) < before ? Number(name) : undefined;
  };
  const last = target === undefined ? stages.length - 1 : numberOf(target, stages.length);
  const needed = new Set(last === undefined || last < 0 ? [] : [last]);
  // Iterating over a Set also visits what is added meanwhile.
  for (const number of needed)
    for (const name of stages[number]?.uses ?? []) {
      const used = name === "" ? undefined : numberOf(name, number);
      if (used !== undefined) needed.add(used);
    }
  return needed;
}
