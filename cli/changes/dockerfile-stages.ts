import { posix } from "node:path";
import { argumentsOf, contextPath } from "./dockerfile-lines.ts";

/** What is where in a stage of a Dockerfile. */
export interface Stage {
  /** Absolute; `/` where it is the base image's. */
  readonly directory: string;
  readonly copies: readonly Copy[];
}

/** A RUN, in the stage as it is then. */
export interface Run extends Stage {
  readonly command: string;
}

/** What a stage has from the context. */
export interface Copy {
  /** Relative to the context; `.` is all of it. */
  readonly from: string;
  /** Absolute, in the stage. */
  readonly to: string;
}

const bare: Stage = { directory: "/", copies: [] };

/** Follows the files of the context through the stages of a Dockerfile. Source: https://docs.docker.com/reference/dockerfile/ */
export function readStages(lines: readonly string[]): {
  readonly copied: readonly string[];
  readonly runs: readonly Run[];
} {
  const copied: string[] = [];
  const runs: Run[] = [];
  const stages = new Map<string, Stage>();
  const state: { stage: Stage; names: readonly string[]; count: number } = { stage: bare, names: [], count: 0 };
  for (const line of lines) {
    const [, instruction = "", rest = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    const { directory, copies } = state.stage;
    switch (instruction.toUpperCase()) {
      case "FROM": {
        const [, base = "", name = ""] = /^(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?/i.exec(rest) ?? [];
        state.stage = stages.get(base.toLowerCase()) ?? bare;
        state.names = [name.toLowerCase(), String(state.count++)];
        break;
      }
      case "WORKDIR":
        state.stage = { directory: posix.resolve(directory, argumentsOf(rest)[0] ?? ""), copies };
        break;
      case "COPY":
      case "ADD": {
        const made = copiesOf(rest, directory, stages);
        copied.push(...made.map(({ from }) => from));
        state.stage = { directory, copies: [...copies, ...made] };
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
export function originsOf(copies: readonly Copy[], path: string): string[] {
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
  // Written there.
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

/** What another stage has from the context at a place, and below it; nothing if it is no stage, but another image. */
function fromStage(stages: Stages, stage: string, source: string, to: string): Copy[] {
  const { copies } = stages.get(stage.toLowerCase()) ?? bare;
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
