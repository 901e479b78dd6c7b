import { valueAt } from "../../kubernetes/json.ts";
import {
  conditionOf,
  labelsAt,
  listAt,
  mapAt,
  nameOf,
  numberAt,
  stringAt,
  type KubernetesObject,
} from "../../kubernetes/object.ts";
import { podTemplateOf } from "../../kubernetes/pod-template.ts";
import type { State } from "./model.ts";
import { refusalOf } from "./refused-pods.ts";

/** The state of what makes a service's pods, as its own status says: a Deployment, a Rollout, a StatefulSet, a CronJob or a Job. */
export interface WorkloadStatus {
  readonly service: string;
  /** As in the manifest: by digest, or by tag where nothing is released. */
  readonly image: string;
  readonly state: State;
  /** In Argo CD's words. */
  readonly health: "Healthy" | "Progressing" | "Degraded" | "Suspended";
  readonly message: string | null;
  /** When it last moved: its rollout, its run, or its declaration. */
  readonly changedAt: string | null;
  /** What to do about pods that needed more memory than they may have. @default there were none */
  readonly memoryHint?: string;
}

/** What a workload has made: the Jobs of CronJobs, and the pods, whose containers say why they have failed. */
export interface WorkloadParts {
  readonly jobs?: readonly KubernetesObject[];
  readonly pods?: readonly KubernetesObject[];
  /** Why pods were not made. */
  readonly refusals?: readonly KubernetesObject[];
}

type Judgement = Pick<WorkloadStatus, "state" | "health" | "message">;

/** @param parts without them, of a CronJob no run is known, and of a failed run not its log */
export function workloadStatus(workload: KubernetesObject, parts: WorkloadParts = {}): WorkloadStatus {
  return {
    service: nameOf(workload),
    image: imageOf(workload),
    ...withRefusal(judge(workload, parts), workload, parts),
    changedAt: changedAt(workload),
  };
}

/** What is refused as long as pods are missing; a cron has its pods by its Jobs. */
function withRefusal(judgement: Judgement, workload: KubernetesObject, parts: WorkloadParts): Judgement {
  const { jobs = [], refusals = [] } = parts;
  if (refusals.length === 0) return judgement;
  const kind = stringAt(workload, "kind") ?? "";
  const made = kind === "CronJob" ? { kind: "Job", objects: runsOf(workload, jobs) } : { kind, objects: [workload] };
  const [reason] = made.objects
    .filter((object) => lacksPods(made.kind, object))
    .flatMap(
      (object) => refusalOf({ kind: made.kind, name: nameOf(object) }, refusals, declaredAt(object) ?? "") ?? [],
    );
  return reason === undefined ? judgement : { state: "failed", health: "Degraded", message: reason };
}

function lacksPods(kind: string, object: KubernetesObject): boolean {
  if (kind === "Job") return !isEnded(object) && count(object, "active") === 0;
  return kind === "StatefulSet" && count(object, "replicas") < (numberAt(object, "spec", "replicas") ?? 1);
}

/** As Argo CD judges: https://argo-cd.readthedocs.io/en/stable/operator-manual/health/ */
function judge(workload: KubernetesObject, parts: WorkloadParts): Judgement {
  switch (workload["kind"]) {
    case "Job":
      return runOf(workload, parts);
    case "CronJob":
      return scheduleOf(workload, parts);
    case "Rollout":
      return stepsOf(workload);
    case "StatefulSet":
      return podByPodOf(workload);
    default:
      return rolloutOf(workload);
  }
}

const healthy: Judgement = { state: "ok", health: "Healthy", message: null };
const progressing = (message: string): Judgement => ({ state: "progress", health: "Progressing", message });
const unseen = progressing("the change has not been seen yet");
const withoutPods: Judgement = { state: "unknown", health: "Suspended", message: "no pods are wanted" };

function rolloutOf(deployment: KubernetesObject): Judgement {
  const desired = numberAt(deployment, "spec", "replicas") ?? 1;
  const failure = [conditionOf(deployment, "ReplicaFailure"), conditionOf(deployment, "Progressing")].find(
    (condition, index) => condition?.["status"] === (index === 0 ? "True" : "False"),
  );
  if (failure !== undefined)
    return { state: "failed", health: "Degraded", message: stringAt(failure, "message") ?? "the rollout has failed" };
  if (!isObserved(deployment)) return unseen;
  if (desired === 0) return withoutPods;
  const updated = count(deployment, "updatedReplicas");
  const available = count(deployment, "availableReplicas");
  if (updated >= desired && available >= desired && count(deployment, "replicas") <= updated) return healthy;
  return progressing(`${Math.min(updated, available)} of ${desired} new pods are available`);
}

/**
 * By the phase that its controller has concluded. What it has ended keeps the pods of the image before, and stays Degraded until
 * another image is declared.
 */
function stepsOf(rollout: KubernetesObject): Judgement {
  if (!isObserved(rollout)) return unseen;
  if ((numberAt(rollout, "spec", "replicas") ?? 1) === 0) return withoutPods;
  const message = stringAt(rollout, "status", "message");
  switch (stringAt(rollout, "status", "phase")) {
    case "Healthy":
      return healthy;
    case "Degraded":
      return { state: "failed", health: "Degraded", message: message ?? "the rollout was ended" };
    case "Paused":
      return progressing(`${stepOf(rollout)}${pauseOf(rollout)} with ${podsOfBoth(rollout)}`);
    default:
      return progressing(`${stepOf(rollout)}${message ?? "is under way"}, with ${podsOfBoth(rollout)}`);
  }
}

function stepOf(rollout: KubernetesObject): string {
  if (switchesAtOnce(rollout)) {
    const isSwitched =
      stringAt(rollout, "status", "blueGreen", "activeSelector") === stringAt(rollout, "status", "currentPodHash");
    return isSwitched ? "after the switch, " : "before the switch, ";
  }
  const steps = listAt(rollout, "spec", "strategy", "canary", "steps");
  const index = numberAt(rollout, "status", "currentStepIndex");
  if (index === undefined || steps.length === 0) return "";
  const weight =
    steps
      .slice(0, index + 1)
      .flatMap((step) => numberAt(step, "setWeight") ?? [])
      .at(-1) ?? 0;
  return index >= steps.length ? "after the last step, " : `at ${weight} %, `;
}

function pauseOf(rollout: KubernetesObject): string {
  return switchesAtOnce(rollout) && valueAt(rollout, "spec", "strategy", "blueGreen", "autoPromotionEnabled") === false
    ? `waits for \`kubectl argo rollouts promote ${nameOf(rollout)}\`,`
    : "pauses";
}

/** Whether all requests go to the new pods at once: the strategy blueGreen. */
function switchesAtOnce(rollout: KubernetesObject): boolean {
  return valueAt(rollout, "spec", "strategy", "blueGreen") !== undefined;
}

function podsOfBoth(rollout: KubernetesObject): string {
  const updated = count(rollout, "updatedReplicas");
  return `${updated} new and ${Math.max(0, count(rollout, "replicas") - updated)} old pods`;
}

function podByPodOf(statefulSet: KubernetesObject): Judgement {
  const desired = numberAt(statefulSet, "spec", "replicas") ?? 1;
  if (!isObserved(statefulSet)) return unseen;
  if (desired === 0) return withoutPods;
  const updated = count(statefulSet, "updatedReplicas");
  const ready = count(statefulSet, "readyReplicas");
  if (updated >= desired && ready >= desired) return healthy;
  return progressing(`${Math.min(updated, ready)} of ${desired} new pods are ready`);
}

function runOf(job: KubernetesObject, parts: WorkloadParts): Judgement {
  if (hasEnded(job, "Failed")) return { state: "failed", health: "Degraded", message: failureOf(job, parts) };
  if (hasEnded(job, "Complete")) return healthy;
  if (valueAt(job, "spec", "suspend") === true)
    return { state: "unknown", health: "Suspended", message: "is suspended, so it does not run" };
  const failed = count(job, "failed");
  return progressing(failed === 0 ? "it is running" : `it is running again, after ${failed} failed attempts`);
}

/** Its last run that has ended counts. One of another image says nothing of this one, and one that has not begun nothing at all. */
function scheduleOf(cronJob: KubernetesObject, parts: WorkloadParts): Judgement {
  if (valueAt(cronJob, "spec", "suspend") === true)
    return { state: "unknown", health: "Suspended", message: "is suspended, so it does not run" };
  const [last] = runsOf(cronJob, parts.jobs ?? [])
    .filter((job) => imageIn(job, nameOf(cronJob)) === imageOf(cronJob))
    .filter(isEnded)
    .toSorted((one, other) => startOf(other).localeCompare(startOf(one)));
  return last === undefined || hasEnded(last, "Complete") || hasSucceededSince(cronJob, last)
    ? healthy
    : { state: "failed", health: "Degraded", message: `its last run has failed: ${failureOf(last, parts)}` };
}

/** Of a cron that keeps no successful runs, the last failure stays, whatever has come after it; the cron itself says when one succeeded. */
function hasSucceededSince(cronJob: KubernetesObject, failed: KubernetesObject): boolean {
  if (numberAt(cronJob, "spec", "successfulJobsHistoryLimit") !== 0) return false;
  const failedAt = stringAt(conditionOf(failed, "Failed") ?? {}, "lastTransitionTime");
  const succeededAt = stringAt(cronJob, "status", "lastSuccessfulTime");
  return failedAt !== undefined && succeededAt !== undefined && succeededAt > failedAt;
}

function runsOf(cronJob: KubernetesObject, jobs: readonly KubernetesObject[]): KubernetesObject[] {
  const uid = stringAt(cronJob, "metadata", "uid");
  return jobs.filter((job) => listAt(job, "metadata", "ownerReferences").some((owner) => owner["uid"] === uid));
}

function isEnded(job: KubernetesObject): boolean {
  return hasEnded(job, "Failed") || hasEnded(job, "Complete");
}

function hasEnded(job: KubernetesObject, how: "Failed" | "Complete"): boolean {
  return conditionOf(job, how)?.["status"] === "True";
}

function startOf(job: KubernetesObject): string {
  return stringAt(job, "status", "startTime") ?? "";
}

/** Lines at the end of a log that say the most. */
const shownLines = 5;

/** Why a run has failed: what its controller says, and the end of the log of the pod that failed last. */
function failureOf(job: KubernetesObject, { pods = [] }: WorkloadParts): string {
  const reason = stringAt(conditionOf(job, "Failed") ?? {}, "message") ?? "it has failed";
  const [last] = pods
    .filter((pod) => labelsAt(pod)["batch.kubernetes.io/job-name"] === nameOf(job))
    .flatMap((pod) => listAt(pod, "status", "containerStatuses"))
    .map((status) => mapAt(status, "state", "terminated"))
    .filter((end) => (numberAt(end, "exitCode") ?? 0) !== 0)
    .toSorted((one, other) => (stringAt(other, "finishedAt") ?? "").localeCompare(stringAt(one, "finishedAt") ?? ""));
  if (last === undefined) return reason;
  const lines = (stringAt(last, "message") ?? "").trim().split("\n").slice(-shownLines).join("\n");
  return `${reason}; exit code ${numberAt(last, "exitCode")}${lines === "" ? "" : `: ${lines}`}`;
}

/** The image of the service's own container. */
function imageOf(workload: KubernetesObject): string {
  return imageIn(workload, nameOf(workload));
}

function imageIn(object: KubernetesObject, service: string): string {
  const containers = listAt(podTemplateOf(object) ?? mapAt(object, "spec", "template"), "spec", "containers");
  const container = containers.find(({ name }) => name === service) ?? containers[0] ?? {};
  return stringAt(container, "image") ?? "";
}

function changedAt(workload: KubernetesObject): string | null {
  const times = ["Progressing", "Complete", "Failed"].flatMap((type) => {
    const condition = conditionOf(workload, type);
    return condition === undefined
      ? []
      : (stringAt(condition, "lastUpdateTime") ?? stringAt(condition, "lastTransitionTime") ?? []);
  });
  return times[0] ?? declaredAt(workload) ?? null;
}

/** When somebody last changed what is declared of it; its status is not that. */
export function declaredAt(object: KubernetesObject): string | undefined {
  const written = listAt(object, "metadata", "managedFields")
    .filter(({ subresource }) => subresource === undefined)
    .flatMap((entry) => stringAt(entry, "time") ?? []);
  return written.toSorted().at(-1) ?? stringAt(object, "metadata", "creationTimestamp");
}

/** Whether its status is that of what is declared now. */
export function isObserved(object: KubernetesObject): boolean {
  // Argo Rollouts writes it as a text.
  const text = stringAt(object, "status", "observedGeneration");
  const observed = text === undefined ? numberAt(object, "status", "observedGeneration") : Number(text);
  return (observed ?? 0) >= (numberAt(object, "metadata", "generation") ?? 0);
}

function count(object: KubernetesObject, key: string): number {
  return numberAt(object, "status", key) ?? 0;
}
