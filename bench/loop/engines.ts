import type { Report } from "../../sandbox/commands/progress.ts";
import { up } from "../../sandbox/commands/up.ts";
import type { SandboxEngine } from "../../sandbox/machine/ci-engine.ts";
import { listProcesses } from "../../sandbox/machine/process.ts";
import { median, type Figure } from "../figure.ts";
import { withStateDirectory } from "../state-directory.ts";
import { comparisonTable } from "./comparison.ts";
import { followEdit, openDeveloper, type Journey } from "./journey.ts";
import { engineMemory, tektonControllers } from "./memory.ts";

/** There and back, so that a machine which becomes slower meanwhile is as slow for both. */
const order: readonly SandboxEngine[] = ["circleci", "tekton", "tekton", "circleci"];

/** What one sandbox has shown of the engine that runs its pipeline. */
interface Turn {
  readonly engine: SandboxEngine;
  /** The first commit, which fills caches, and counts for nothing else. */
  readonly warmUp: Journey;
  readonly journeys: readonly Journey[];
  /** Of the engine's processes after the last commit, in MiB. */
  readonly memory: Readonly<Record<string, number>>;
}

/**
 * How long a commit takes to the cluster by Tekton, in pods, and how long by the stand-in for CircleCI, in processes of this machine;
 * and what memory Tekton's controllers have. A sandbox has one engine, so that each turn is a sandbox of its own.
 * @param rounds how many commits each turn measures, beside its first
 */
export async function benchEngines(report: Report, { rounds = 3 }: { rounds?: number | undefined }): Promise<Figure[]> {
  const turns: Turn[] = [];
  for (const engine of order)
    turns.push(
      await withStateDirectory(`loop-${engine}`, report, (stateDir) => measureTurn(stateDir, engine, rounds, report)),
    );
  const byEngine = (engine: SandboxEngine): Turn[] => turns.filter((turn) => turn.engine === engine);
  const journeysOf = (engine: SandboxEngine): Journey[] => byEngine(engine).flatMap(({ journeys }) => journeys);
  for (const engine of new Set(order))
    report(
      `first commits by ${engine}, which only fill caches: ${byEngine(engine)
        .map(({ warmUp }) => `${warmUp.total.toFixed(1)} s`)
        .join(", ")}`,
    );
  const [circleci, tekton] = [journeysOf("circleci"), journeysOf("tekton")];
  for (const line of comparisonTable(["CircleCI's stand-in", circleci], ["Tekton", tekton])) report(line);
  return figuresOf(
    circleci,
    tekton,
    byEngine("tekton").map(({ memory }) => memory),
  );
}

async function measureTurn(stateDir: string, engine: SandboxEngine, rounds: number, report: Report): Promise<Turn> {
  const { outputs } = await up({ stateDir, pods: "auto", ci: engine, report });
  using developer = await openDeveloper(stateDir, outputs);
  const follow = async (round: number): Promise<Journey> => {
    const journey = await followEdit(developer.route, developer.clone);
    report(
      `${engine}, commit ${round} of ${rounds}: ${journey.total.toFixed(1)} s, of it building ${journey.images} image ${journey.build.toFixed(1)} s`,
    );
    return journey;
  };
  const warmUp = await follow(0);
  const journeys: Journey[] = [];
  for (let round = 1; round <= rounds; round++) journeys.push(await follow(round));
  const memory = engineMemory(engine, listProcesses(stateDir));
  const processes = Object.entries(memory).map(([name, mebibytes]) => `${name} ${mebibytes.toFixed(0)} MiB`);
  report(`memory of what runs the pipeline: ${processes.join(", ")}`);
  return { engine, warmUp, journeys, memory };
}

/** @param memories of Tekton's turns */
function figuresOf(
  circleci: readonly Journey[],
  tekton: readonly Journey[],
  memories: readonly Turn["memory"][],
): Figure[] {
  const total = (journeys: readonly Journey[]): number => median(journeys.map((journey) => journey.total));
  const controllers = memories.map((memory) =>
    tektonControllers.reduce((sum, name) => sum + (memory[name] ?? Number.NaN), 0),
  );
  const name = "commit → new pods, 1 of 5 services changed";
  return [
    { name: `${name}, by Tekton`, value: total(tekton), unit: "s", limit: 90 },
    { name: "the same / by the stand-in for CircleCI", value: total(tekton) / total(circleci), unit: "×", limit: 4 },
    { name: "memory of Tekton's controller and webhook", value: Math.max(...controllers), unit: "MiB", limit: 250 },
  ];
}
