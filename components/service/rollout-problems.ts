import type { Problem } from "../../core/problem.ts";
import type { Candidate } from "./candidates.ts";
import { runsToCompletion } from "./kind.ts";
import { measurementTimes, pausedSeconds } from "./rollout-settings.ts";
import { hasPodVolumes } from "./volumes.ts";

/** What says whether an environment can have rollouts in steps. */
interface RolloutHost {
  delivery: "gitops" | "direct";
  gitops?: { rollouts?: unknown } | undefined;
}

/** Why an environment can have no rollouts in steps; `undefined`: it can. @param file the stack file */
export function rolloutRefusal(file: string, { delivery, gitops }: RolloutHost): string | undefined {
  if (delivery === "direct")
    return `an image that is taken back has no release record where this program applies the workloads (delivery direct of ${file}); remove it there`;
  if (gitops?.rollouts !== undefined) return undefined;
  return `Argo Rollouts is to be on the cluster; set gitops.rollouts of ${file} to {}, and this program installs it, or to existing where it is there`;
}

/**
 * What a rollout in steps would not do, though it says so. Without a router, traffic is split by pods alone.
 * @param refusal why the environment can have none
 */
export function rolloutProblems({ settings, origin }: Candidate, refusal: string | undefined): Problem[] {
  const { rollout, replicas = 1, autoscaling, volumes = {} } = settings;
  if (rollout === undefined || runsToCompletion(settings)) return [];
  const problems: Problem[] = [];
  const refuse = (path: readonly string[], message: string): void =>
    void problems.push({ location: origin("rollout", ...path), message });
  if (refusal !== undefined) refuse([], refusal);
  if (autoscaling !== undefined)
    refuse(
      [],
      "an autoscaler would count the pods of both images as one, and so ask for too many; set `replicas` in place of `autoscaling`",
    );
  if (hasPodVolumes({ volumes }))
    refuse(
      [],
      "pods with volumes of their own are changed one after the other by a StatefulSet, and Argo Rollouts has none; remove it",
    );
  else if (Object.values(volumes).some(({ accessMode }) => accessMode !== "ReadWriteMany"))
    refuse(
      [],
      "new pods cannot be beside the others where one node writes the volume at a time; set its `accessMode` to ReadWriteMany, or remove it",
    );
  if (autoscaling === undefined && replicas < 2) {
    refuse(
      ["steps"],
      `of ${replicas === 1 ? "one pod" : "no pods"} there are no parts; set \`replicas\` to 2 at least, or remove it`,
    );
    return problems;
  }
  for (const [index, { weight }] of autoscaling === undefined ? rollout.steps.entries() : []) {
    const at = ["steps", String(index), "weight"];
    const before = rollout.steps[index - 1];
    if (weight * replicas < 100)
      refuse(
        at,
        `${weight} % of ${replicas} pods is less than one pod; set it to ${Math.ceil(100 / replicas)} at least, or raise \`replicas\``,
      );
    else if (before !== undefined && weight <= before.weight)
      refuse(at, `${weight} is not above ${before.weight} of the step before it; steps go up`);
    else if (before !== undefined && canaryPods(replicas, weight).canary === canaryPods(replicas, before.weight).canary)
      refuse(
        at,
        `${weight} % of ${replicas} pods are as many as ${before.weight} %: ${canaryPods(replicas, weight).canary}; take one of the steps out, or raise \`replicas\``,
      );
  }
  const { analysis } = rollout;
  const paused = pausedSeconds(rollout);
  if (analysis !== undefined && paused <= measurementTimes(analysis).delay)
    refuse(
      ["analysis"],
      `the first measurement is after ${measurementTimes(analysis).delay} s, and all steps pause for ${paused} s: nothing would be measured; set \`pause\` of the steps, or a shorter \`delay\``,
    );
  return problems;
}

/**
 * How many pods of the new and of the old image there are at a step: as near to the weight as it gets with one pod more, if that
 * helps, and at least one of each. As Argo Rollouts 1.10.2 has it without a router, with a surge of one pod.
 */
export function canaryPods(replicas: number, weight: number): { readonly canary: number; readonly stable: number } {
  const share = (replicas * weight) / 100;
  const [up, down] = [Math.ceil(share), Math.floor(share)];
  const options = [replicas, replicas + 1].flatMap((total) => {
    // Half a pod is rounded up.
    const isTied = ((total * weight) / 100) % 1 === 0.5;
    return [...(up < total ? [{ canary: up, total }] : []), ...(!isTied && down > 0 ? [{ canary: down, total }] : [])];
  });
  const distance = ({ canary, total }: { canary: number; total: number }): number =>
    Math.abs((100 * canary) / total - weight);
  const [best = { canary: replicas, total: replicas }] = options.toSorted(
    (one, other) => distance(one) - distance(other),
  );
  return { canary: best.canary, stable: best.total - best.canary };
}
