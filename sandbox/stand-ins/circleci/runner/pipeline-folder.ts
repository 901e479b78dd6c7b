import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../../../core/atomic-file.ts";
import { hasErrorCode } from "../../../../core/error.ts";
import type { Job, Pipeline, Workflow } from "./records.ts";

const keptPipelines = 50;

interface Numbers {
  pipeline: number;
  job: number;
}

/**
 * The pipelines in memory and on disk: one folder each, with its record, its jobs' logs and artifacts, and its workspaces.
 * Old ones are removed with their folders. A change that is saved survives the process.
 */
export class PipelineFolder {
  readonly #root: string;
  readonly #numbers: Record<string, Numbers>;
  /** The newest last. */
  #pipelines: Pipeline[];

  constructor(root: string) {
    this.#root = root;
    mkdirSync(join(root, "pipelines"), { recursive: true, mode: 0o700 });
    // Only this class writes these files, and always whole.
    this.#numbers = (readJson(join(root, "numbers.json")) ?? {}) as Record<string, Numbers>;
    this.#pipelines = readdirSync(join(root, "pipelines"))
      .flatMap((name) => {
        const record = readJson(join(root, "pipelines", name, "pipeline.json"));
        return record === undefined ? [] : [record as Pipeline];
      })
      .toSorted((one, other) => one.createdAt.localeCompare(other.createdAt));
  }

  /** The newest last. */
  all(): readonly Pipeline[] {
    return this.#pipelines;
  }

  add(pipeline: Pipeline): void {
    const kept = [...this.#pipelines, pipeline];
    const old = kept.slice(0, Math.max(0, kept.length - keptPipelines)).filter(isOver);
    for (const one of old) rmSync(this.folderOf(one), { recursive: true, force: true });
    this.#pipelines = kept.filter((one) => !old.includes(one));
    this.save(pipeline);
  }

  save(pipeline: Pipeline): void {
    pipeline.updatedAt = new Date().toISOString();
    const folder = this.folderOf(pipeline);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeJson(join(folder, "pipeline.json"), pipeline);
  }

  /** The next number of a project's pipelines or jobs. */
  nextNumber(projectId: string, of: keyof Numbers): number {
    const numbers = this.#numbers[projectId] ?? { pipeline: 0, job: 0 };
    const next = numbers[of] + 1;
    this.#numbers[projectId] = { ...numbers, [of]: next };
    writeJson(join(this.#root, "numbers.json"), this.#numbers);
    return next;
  }

  folderOf({ number, id }: Pipeline): string {
    return join(this.#root, "pipelines", `${number}-${id.slice(0, 8)}`);
  }

  findJob(id: string): { pipeline: Pipeline; workflow: Workflow; job: Job } | undefined {
    for (const pipeline of this.#pipelines)
      for (const workflow of pipeline.workflows)
        for (const job of workflow.jobs) if (job.id === id) return { pipeline, workflow, job };
    return undefined;
  }
}

function isOver({ state, workflows }: Pipeline): boolean {
  return state !== "pending" && workflows.every(({ stoppedAt }) => stoppedAt !== undefined);
}

/** Only the owner may read it: a record has the continuation key. */
function writeJson(path: string, value: unknown): void {
  writeFileAtomically(path, JSON.stringify(value), 0o600);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw new Error(`${path} cannot be read (${String(error)}); remove its folder to forget that pipeline`, {
      cause: error,
    });
  }
}

/** Where a job's output is: `jobs/<number>/<step>.log` in its pipeline's folder, appended to while the job runs. */
export function jobLogFolder(pipelineFolder: string, jobNumber: number): string {
  return join(pipelineFolder, "jobs", String(jobNumber));
}

/** Adds to the output of a step, with secrets masked already. */
export function appendLog(folder: string, step: number, text: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  appendFileSync(join(folder, `${step}.log`), text, { mode: 0o600 });
}

/** What one step has written so far. */
export function readStepLog(folder: string, step: number): string {
  const path = join(folder, `${step}.log`);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** What a job has written so far: the text of each step, in their order. */
export function readJobLog(folder: string): string[] {
  const steps = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".log")).length : 0;
  return Array.from({ length: steps }, (_, step) => readStepLog(folder, step));
}
