import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Job, Pipeline, Workflow } from "./records.ts";

const keptPipelines = 50;

interface Numbers {
  pipeline: number;
  job: number;
}

/**
 * The pipelines in memory and on disk: one folder each, with its record, its jobs' logs and artifacts, and its workspaces.
 * Old ones go with all they have left. A change that is saved survives the process.
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

/** Readers see the old content or the new one, and only the owner may read either: a record holds the continuation key. */
function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
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
