import { stepDurations, type Job } from "../../circleci/pipelines.ts";
import { ciNamespace } from "../../core/names.ts";
import { listAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import type { CircleCiProject } from "../../sandbox/commands/demo/follow-circleci.ts";
import type { CiAccess } from "../../sandbox/commands/demo/follow-pipeline.ts";
import type { TektonRuns } from "../../sandbox/commands/demo/follow-tekton.ts";

const timeoutMilliseconds = 60_000;

/** How long a job of the pipeline has built images and pushed them. */
export function buildSeconds(ci: CiAccess, job: Job): Promise<number> {
  return "kubernetes" in ci ? byTekton(ci, job) : byCircleCi(ci, job);
}

async function byCircleCi(ci: CircleCiProject, { number, name }: Job): Promise<number> {
  if (number === undefined) throw new Error(`job ${name} of ${ci.projectSlug} has no number, so that it never ran`);
  const durations = await stepDurations(ci, ci.projectSlug, number, AbortSignal.timeout(timeoutMilliseconds));
  const milliseconds = durations.get("Build and push");
  if (milliseconds === undefined) throw new Error(`job ${number} of ${ci.projectSlug} has no step "Build and push"`);
  return milliseconds / 1000;
}

async function byTekton({ kubernetes, app }: TektonRuns, { id, name }: Job): Promise<number> {
  const path = `/apis/tekton.dev/v1/namespaces/${ciNamespace(app, "deliver")}/taskruns`;
  const run = listAt(await kubernetes.request("GET", path), "items").find(
    (one) => stringAt(one, "metadata", "uid") === id,
  );
  const seconds = run === undefined ? undefined : stepSeconds(run, "build-and-push");
  if (seconds === undefined) throw new Error(`job ${name} in ${path} has no step "build-and-push" that has ended`);
  return seconds;
}

/**
 * How long a step took that has ended, to the second: Kubernetes tells no more.
 * @param title its name without the number
 */
export function stepSeconds(run: KubernetesObject, title: string): number | undefined {
  const step = listAt(run, "status", "steps").find((one) => stringAt(one, "name")?.replace(/^\d+-/, "") === title);
  const [start, end] = (["startedAt", "finishedAt"] as const).map((field) =>
    Date.parse(stringAt(step ?? {}, "terminated", field) ?? ""),
  );
  const seconds = ((end ?? Number.NaN) - (start ?? Number.NaN)) / 1000;
  return Number.isNaN(seconds) ? undefined : seconds;
}
