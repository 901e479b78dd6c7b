import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../../../circleci/pipelines.ts";
import { ciNamespace } from "../../../core/names.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { annotationOf, listAt, nameOf, stringAt, type KubernetesObject } from "../../../kubernetes/object.ts";
import type { PipelineEnd, PipelineEvent } from "./pipeline-events.ts";

/** The cluster that Tekton runs an app's pipeline on. */
export interface TektonRuns {
  readonly kubernetes: KubernetesClient;
  readonly app: string;
}

const engine = "Tekton";
const pollMilliseconds = 200;

/**
 * Follows the run that a commit has started, and the one which that starts of what has changed.
 * @throws Error if `signal` ends the waiting
 */
export async function followTekton(
  access: TektonRuns,
  commit: string,
  onEvent: (event: PipelineEvent) => void,
  signal: AbortSignal,
): Promise<PipelineEnd> {
  const statuses = new Map<string, string>();
  for (let known = ""; ; await sleep(pollMilliseconds, undefined, { signal })) {
    const run = await runOf(access, commit);
    if (run === undefined) continue;
    const name = nameOf(run);
    if (known !== name) onEvent({ kind: "pipeline", engine, name: `run ${name}` });
    known = name;
    const end = outcomeOf(run);
    const jobs = await jobsOf(access, commit, name);
    for (const job of jobs) reportJob(job, statuses, onEvent);
    if (end !== "running") return { name: `run ${name}`, status: end, jobs };
  }
}

/** The newest run that Pipelines-as-Code has started for a commit. */
async function runOf({ kubernetes, app }: TektonRuns, commit: string): Promise<KubernetesObject | undefined> {
  const runs = await kubernetes.request("GET", `/apis/tekton.dev/v1/namespaces/${ciNamespace(app)}/pipelineruns`);
  return listAt(runs, "items")
    .filter((run) => annotationOf(run, "pipelinesascode.tekton.dev/sha") === commit)
    .toSorted((one, other) => createdAt(other).localeCompare(createdAt(one)))[0];
}

/** The jobs of that run and of those that runs of the commit have started. */
async function jobsOf({ kubernetes, app }: TektonRuns, commit: string, run: string): Promise<Job[]> {
  const namespaces = [
    ciNamespace(app),
    ...(["deliver", "review", "forks"] as const).map((wall) => ciNamespace(app, wall)),
  ];
  const all = await Promise.all(
    namespaces.map((namespace) => kubernetes.request("GET", `/apis/tekton.dev/v1/namespaces/${namespace}/taskruns`)),
  );
  return all
    .flatMap((list) => listAt(list, "items"))
    .filter((one) => label(one, "pipelineRun") === run || annotationOf(one, "delivery/commit") === commit)
    .map((one): Job => ({
      id: stringAt(one, "metadata", "uid") ?? "",
      name: label(one, "pipelineTask") ?? nameOf(one),
      type: "build",
      status: outcomeOf(one),
      number: undefined,
      startedAt: timeOf(one, "startTime"),
      stoppedAt: timeOf(one, "completionTime"),
    }));
}

function label(object: KubernetesObject, name: string): string | undefined {
  return stringAt(object, "metadata", "labels", `tekton.dev/${name}`);
}

function timeOf(object: KubernetesObject, field: string): number | undefined {
  const time = stringAt(object, "status", field);
  return time === undefined ? undefined : Date.parse(time);
}

function createdAt(object: KubernetesObject): string {
  return stringAt(object, "metadata", "creationTimestamp") ?? "";
}

/** In the words that CircleCI has for it. */
function outcomeOf(run: KubernetesObject): string {
  const condition = listAt(run, "status", "conditions").find((one) => one["type"] === "Succeeded") ?? {};
  const status = stringAt(condition, "status");
  if (status === "True") return "success";
  if (status !== "False") return "running";
  return /Cancelled/.test(stringAt(condition, "reason") ?? "") ? "canceled" : "failed";
}

function reportJob(job: Job, statuses: Map<string, string>, onEvent: (event: PipelineEvent) => void): void {
  const before = statuses.get(job.id);
  if (before === job.status) return;
  statuses.set(job.id, job.status);
  if (job.status === "running") onEvent({ kind: "started", engine, job });
  else onEvent({ kind: "ended", engine, job });
}
