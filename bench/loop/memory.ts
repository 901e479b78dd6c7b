import type { SandboxEngine } from "../../sandbox/machine/ci-engine.ts";

/** A process of a sandbox, with the memory that it and its children have resident. */
interface MeasuredProcess {
  readonly name: string;
  readonly running: boolean;
  readonly residentBytes: number;
}

/** Tekton's own, which a team with Tekton has on its cluster. */
export const tektonControllers = ["tekton-controller", "tekton-webhook"] as const;

/** What there is only because an engine runs the pipeline. */
const processesOf: Readonly<Record<SandboxEngine, readonly string[]>> = {
  circleci: ["circleci"],
  tekton: [...tektonControllers, "pipelines-as-code"],
};

/**
 * The memory of an engine's processes in MiB, by their names.
 * @throws Error if one does not run: what is measured is not the whole engine
 */
export function engineMemory(
  engine: SandboxEngine,
  processes: readonly MeasuredProcess[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    processesOf[engine].map((name) => {
      const found = processes.find((process) => process.name === name && process.running);
      if (found === undefined) throw new Error(`${name} does not run, so that its memory cannot be measured`);
      return [name, found.residentBytes / 2 ** 20];
    }),
  );
}
