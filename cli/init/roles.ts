import { parseInstructions, jsonWords } from "../../components/dockerfile/dockerfile-instructions.ts";
import type { BuildChoice } from "../../components/dockerfile/dockerfile.ts";
import { chosenInstructions } from "../affected/dockerfile-target.ts";
import { leftOutTask, preparesData, runsOnce, type LeftOut } from "./left-out.ts";
import { isInitContainer, type Run } from "./run.ts";

/** What prepares a service's data before its pods run. */
export interface GuessedMigration {
  readonly command: readonly string[];
  /** Where that is said. */
  readonly file: string;
  /** Variables that it has there, and the service has not. */
  readonly lacking: readonly string[];
}

/** What the containers of one image are for. */
export interface Roles {
  /** Those of which services are made: what stays, and else jobs and crons. */
  readonly services: readonly Run[];
  /** By the service that runs when they have succeeded. */
  readonly migrations: ReadonlyMap<Run, GuessedMigration>;
  readonly leftOut: readonly LeftOut[];
}

/**
 * Tells what stays from what comes to an end: the latter migrates the service that waits for it, or is a job or a cron of its own.
 * @param text the Dockerfile
 * @param all the containers that run its images
 */
export function rolesOf(dockerfile: string, text: string, all: readonly Run[]): Roles {
  const [first] = all;
  const isEnding = (run: Run): boolean =>
    run.runs === "once" ||
    (run.runs === "always" && hasCommand(run) && runsOnce(run.name) && all.some((other) => isTwin(run, other)));
  const staying = all.filter((run) => run.runs === "always" && !isEnding(run));
  const services = [...staying];
  const migrations = new Map<Run, GuessedMigration>();
  const leftOut: LeftOut[] = [];
  for (const run of all.filter((one) => !staying.includes(one))) {
    const reason = leftOutTask(run);
    const owner = reason === undefined && run.schedule === undefined ? ownerOf(run, staying) : undefined;
    const command = startOf(run, text);
    if (reason !== undefined) leftOut.push({ path: `${dockerfile} (${run.name})`, reason });
    else if (owner !== undefined && command.length > 0 && !migrations.has(owner))
      migrations.set(owner, {
        command,
        file: run.file,
        lacking: Object.keys(run.environment).filter((name) => !Object.hasOwn(owner.environment, name)),
      });
    else if (owner !== undefined || isInitContainer(run))
      leftOut.push({
        path: `${dockerfile} (${run.name})`,
        reason:
          owner === undefined
            ? `${run.file} runs it before what comes to an end itself: a patch adds it to that pod`
            : `${run.file} runs it before ${owner.name}, whose \`migrations\` are one command`,
      });
    else services.push(run);
  }
  return { services: services.length === 0 && first !== undefined ? [first] : services, migrations, leftOut };
}

/** The service that one migrates: of those of the same image, one that waits for it, and a server rather than a worker. */
function ownerOf(run: Run, staying: readonly Run[]): Run | undefined {
  const same = staying.filter((other) => isTwin(run, other));
  const waiting = same.filter(({ waitsFor }) => waitsFor.includes(run.name));
  const candidates = waiting.length > 0 ? waiting : preparesData(run) ? same : [];
  return candidates.find(({ ports }) => ports.length > 0) ?? candidates[0];
}

/** Whether two containers run one image. */
function isTwin(run: Run, other: Run): boolean {
  return (
    run !== other &&
    (run.build === undefined || other.build === undefined || JSON.stringify(run.build) === JSON.stringify(other.build))
  );
}

export function hasCommand({ command, args }: Run): boolean {
  return command !== undefined || args !== undefined;
}

/** All that a container runs: its image's ENTRYPOINT and CMD, as far as it has none of its own; empty: only the image knows. */
function startOf({ command, args, build }: Run, text: string): readonly string[] {
  const own = imageStart(text, { target: build?.target });
  return command === undefined ? [...own.entrypoint, ...(args ?? own.command)] : [...command, ...(args ?? [])];
}

/** As the Dockerfile has them, where it has lists. */
function imageStart(text: string, choice: BuildChoice): { entrypoint: readonly string[]; command: readonly string[] } {
  const { instructions } = chosenInstructions(parseInstructions(text), choice);
  const stage = instructions.slice(instructions.findLastIndex(({ keyword }) => keyword === "FROM"));
  const words = (keyword: string): readonly string[] =>
    jsonWords(stage.findLast((one) => one.keyword === keyword)?.rest ?? "") ?? [];
  return { entrypoint: words("ENTRYPOINT"), command: words("CMD") };
}
