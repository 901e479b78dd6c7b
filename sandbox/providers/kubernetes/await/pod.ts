import { conditionOf, nameOf, namespaceOf, numberAt, stringAt } from "../../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { builtInPath } from "../discovery.ts";
import { podProblems, podReasons } from "./pods.ts";
import { objectStage, ready, waiting } from "./stage.ts";
import type { Awaiter, Verdict } from "./stage.ts";

export function judgePod(pod: KubernetesObject): Verdict {
  const phase = stringAt(pod, "status", "phase");
  if (conditionOf(pod, "Ready")?.["status"] === "True" || phase === "Succeeded") return ready;
  const problems = podProblems(pod).join("; ");
  if (phase === "Failed") return { state: "failed", message: problems || "the pod failed" };
  return waiting(problems || `the pod is ${phase ?? "not looked at yet"}`);
}

export function judgeJob(job: KubernetesObject): Verdict {
  const failed = conditionOf(job, "Failed");
  if (failed?.["status"] === "True")
    return {
      state: "failed",
      message: `[${stringAt(failed, "reason") ?? "Failed"}] ${stringAt(failed, "message") ?? ""}`,
    };
  if (conditionOf(job, "Complete")?.["status"] === "True") return ready;
  const status = (key: string): number => numberAt(job, "status", key) ?? 0;
  return waiting(
    `the Job is not complete (active ${status("active")}, succeeded ${status("succeeded")}, failed ${status("failed")})`,
  );
}

export const podAwaiter: Awaiter = {
  onRead: true,
  stages: (_cluster, object) => [objectStage(builtInPath("v1", "pods", namespaceOf(object)), nameOf(object), judgePod)],
};

export const jobAwaiter: Awaiter = {
  onRead: true,
  stages: (_cluster, object) => [
    objectStage(builtInPath("batch/v1", "jobs", namespaceOf(object)), nameOf(object), judgeJob),
  ],
  reasons: podReasons,
};
