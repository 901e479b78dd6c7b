import { isMap, valueAt } from "../../kubernetes/json.ts";
import {
  labelsAt,
  listAt,
  nameOf,
  numberAt,
  selects,
  stringAt,
  type KubernetesObject,
} from "../../kubernetes/object.ts";
import { normalImageName } from "../../core/image-name.ts";

/** A service on the cluster, and what of its namespace may belong to it, whoever has made it. */
export interface ServiceObjects {
  readonly workload: KubernetesObject | undefined;
  /** The Jobs that the CronJobs of the namespace have made. */
  readonly runs: readonly KubernetesObject[];
  readonly application: KubernetesObject | undefined;
  readonly pods: readonly KubernetesObject[];
  /** All of the namespace: those that were made by hand have no labels that would tell whose they are. */
  readonly disruptionBudgets: readonly KubernetesObject[];
  readonly cronJobs: readonly KubernetesObject[];
}

/**
 * What Argo CD calls Healthy, and what does not run, or cannot be moved: it has no opinion of PodDisruptionBudgets, and a
 * CronJob that is suspended is as Healthy to it as one that runs.
 */
export function idleProblem(service: string, objects: ServiceObjects): string | undefined {
  const suspended = objects.cronJobs.find(
    (cronJob) => valueAt(cronJob, "spec", "suspend") === true && isCronJobOf(cronJob, service, objects),
  );
  if (suspended !== undefined) return `has a CronJob ${nameOf(suspended)} that is suspended, so it does not run`;
  const blocking = objects.disruptionBudgets.find((budget) => blocksEveryEviction(budget) && covers(budget, objects));
  return blocking === undefined
    ? undefined
    : `has a PodDisruptionBudget ${nameOf(blocking)} that lets no pod be evicted though all of them are well: a node that is drained waits for ever`;
}

/** With fewer pods than wanted it is to block. */
function blocksEveryEviction(budget: KubernetesObject): boolean {
  const status = (key: string): number => numberAt(budget, "status", key) ?? 0;
  const expected = status("expectedPods");
  return expected > 0 && status("currentHealthy") >= expected && status("disruptionsAllowed") === 0;
}

/** By the pods that there are, or else by those that the workload will have. */
function covers(budget: KubernetesObject, { workload, pods }: ServiceObjects): boolean {
  const selector = valueAt(budget, "spec", "selector");
  const labels =
    pods.length > 0 || workload === undefined
      ? pods.map((pod) => labelsAt(pod))
      : [labelsAt(workload, "spec", "template")];
  return isMap(selector) && labels.some((one) => selects(selector, one));
}

/** By its labels or those of its pods, by Argo CD, or by the image that it runs. */
function isCronJobOf(cronJob: KubernetesObject, service: string, { workload, application }: ServiceObjects): boolean {
  const job = ["spec", "jobTemplate"];
  const template = [...job, "spec", "template"];
  const labelled = [[], job, template].some((path) => labelsAt(cronJob, ...path)["app.kubernetes.io/name"] === service);
  const tracked =
    application !== undefined &&
    listAt(application, "status", "resources").some(
      (resource) => stringAt(resource, "kind") === "CronJob" && stringAt(resource, "name") === nameOf(cronJob),
    );
  const own = workload === undefined ? [] : repositoriesIn(workload, ["spec", "template"], service);
  const shared = repositoriesIn(cronJob, template).some((repository) => own.includes(repository));
  return labelled || tracked || shared;
}

/** Of the images of a template's containers, in one form. @param container the only one that counts. @default all */
function repositoriesIn(object: KubernetesObject, path: readonly string[], container?: string): string[] {
  return listAt(object, ...path, "spec", "containers")
    .filter(({ name }) => container === undefined || name === container)
    .flatMap(
      (one) => normalImageName((stringAt(one, "image") ?? "").replace(/@.*$/, "").replace(/:[^:/]*$/, "")) ?? [],
    );
}
