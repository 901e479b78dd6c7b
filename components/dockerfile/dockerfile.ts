import { frontendIsKnown, parseInstructions } from "./dockerfile-instructions.ts";
import { declareArguments, inheritedVariables, setEnvironment, type StageVariables } from "./dockerfile-variables.ts";
import { expandWord, splitWords } from "./dockerfile-words.ts";

/** What a build chooses of a Dockerfile. */
export interface BuildChoice {
  /** A stage, by its name or number. @default the last one */
  readonly target?: string | undefined;
  /** What an ARG of the Dockerfile stands for, instead of its default. */
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
}

/** Whether a file's name is one that Dockerfiles have: `Dockerfile`, `Dockerfile.web`, `web.Dockerfile`. */
export function isDockerfileName(name: string): boolean {
  return (
    /^((docker|container)file([._-].+)?|.+[._-](docker|container)file)$/i.test(name) &&
    !/(^|\.)(dockerignore|md|txt|[jt]s|go|py|tpl|tmpl|template|j2|orig|bak)$/i.test(name)
  );
}

/** What a build can choose of a Dockerfile: its stages and its ARGs. */
export interface Choices {
  /** Names as they are written; a stage can be chosen by its number, too. */
  readonly stages: readonly string[];
  readonly count: number;
  readonly args: ReadonlySet<string>;
}

/** @returns `undefined`: it is written for a frontend of which only the builder knows what that reads */
export function buildChoices(dockerfile: string): Choices | undefined {
  if (!frontendIsKnown(dockerfile)) return undefined;
  const stages: string[] = [];
  const args = new Set<string>();
  const state = { count: 0 };
  for (const { keyword, rest, deferred } of parseInstructions(dockerfile).instructions) {
    if (keyword === "FROM" && deferred !== true) {
      state.count++;
      const [, as = "", stage] = splitWords(rest).filter((word) => !word.startsWith("--"));
      if (as.toUpperCase() === "AS" && stage !== undefined) stages.push(stage);
    }
    if (keyword === "ARG") for (const word of splitWords(rest)) args.add(word.split("=", 1)[0] ?? "");
  }
  return { stages, count: state.count, args };
}

/** A port that an image says it listens on. */
export interface ExposedPort {
  readonly port: number;
  readonly transport: "TCP" | "UDP";
}

/**
 * The TCP port that the stage which becomes the image EXPOSEs first, or else the stage that it builds on.
 * @returns `undefined`: there is none, or only the builder knows it
 */
export function exposedPort(dockerfile: string, choice: BuildChoice = {}): number | undefined {
  return exposedPorts(dockerfile, choice).find(({ transport }) => transport === "TCP")?.port;
}

/**
 * The ports that the stage which becomes the image EXPOSEs, and after them those of the stage that it builds on; as far as not
 * only the builder knows them.
 * Source: https://docs.docker.com/reference/dockerfile/#expose
 */
export function exposedPorts(dockerfile: string, choice: BuildChoice = {}): ExposedPort[] {
  const stage = chosenStage(dockerfile, choice);
  return stage === undefined ? [] : portsOf(stage);
}

/** The variables that an image has by ENV, as far as not only the builder knows them. */
export function imageEnvironment(dockerfile: string, choice: BuildChoice = {}): Record<string, string> {
  return Object.fromEntries(chosenStage(dockerfile, choice)?.env ?? []);
}

/** The stage that becomes the image, with what it has of the one that it builds on. */
function chosenStage(dockerfile: string, { target, buildArgs = {} }: BuildChoice): Stage | undefined {
  const given = new Map(Object.entries(buildArgs));
  const globals = new Map<string, string>();
  const stages = new Map<string, Stage>();
  const numbered: Stage[] = [];
  let stage: Stage | undefined;
  for (const { keyword, rest, deferred } of parseInstructions(dockerfile).instructions) {
    if (deferred === true) continue;
    if (keyword === "FROM") {
      const words = splitWords(rest).filter((word) => !word.startsWith("--"));
      const base = stages.get(valueOf(words[0] ?? "", globals).toLowerCase());
      stage = { ports: [], inherited: base === undefined ? [] : portsOf(base), ...inheritedVariables(base) };
      numbered.push(stage);
      if (words[1]?.toUpperCase() === "AS" && words[2] !== undefined) stages.set(words[2].toLowerCase(), stage);
    } else if (stage === undefined) {
      if (keyword === "ARG") declareArguments(rest, globals, { given });
    } else if (keyword === "ARG") declareArguments(rest, stage.variables, { globals, given });
    else if (keyword === "ENV") setEnvironment(rest, stage);
    else if (keyword === "EXPOSE")
      stage.ports.push(...splitWords(valueOf(rest, stage.variables)).flatMap(writtenPorts));
  }
  return target === undefined ? stage : (stages.get(target.toLowerCase()) ?? numbered[Number(target)]);
}

interface Stage extends StageVariables {
  /** Its own, in order. */
  readonly ports: ExposedPort[];
  /** Those of the stage that it builds on. */
  readonly inherited: readonly ExposedPort[];
}

/** So many ports of a range are taken; of a longer one, the first. */
const longestRange = 10;

/** `8080`, `8080/udp`, `8000-8001`, and `80:8080`, of which the builder takes what is in the container. */
function writtenPorts(text: string): ExposedPort[] {
  const [, first, last = first, transport] = /^(?:.*:)?(\d{1,9})(?:-(\d{1,9}))?(?:\/(tcp|udp)?)?$/i.exec(text) ?? [];
  if (first === undefined) return [];
  const length = Number(last) - Number(first) + 1;
  return Array.from({ length: length <= longestRange ? Math.max(length, 0) : 1 }, (_, index) => ({
    port: Number(first) + index,
    transport: transport?.toLowerCase() === "udp" ? "UDP" : "TCP",
  }));
}

function portsOf({ ports, inherited }: Stage): ExposedPort[] {
  const all = [...ports, ...inherited];
  return all.filter(
    ({ port, transport }, index) =>
      all.findIndex((other) => other.port === port && other.transport === transport) === index,
  );
}

/** What is not known is empty. */
function valueOf(word: string, known: ReadonlyMap<string, string>): string {
  return expandWord(word, (name) => known.get(name));
}
