import { collectionPath, resourceOf } from "../discovery.ts";
import { conditionOf, listAt, nameOf, namespaceOf, numberAt, stringAt } from "../../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { isObserved } from "./deployment.ts";
import { selectPath, stepsOf } from "./json-path.ts";
import { objectStage, ready, waiting } from "./stage.ts";
import type { Awaiter, Verdict } from "./stage.ts";

/**
 * Waits as the annotation pulumi.com/waitFor says: `jsonpath={.path}=value`, `jsonpath={.path}`, `condition=Type`,
 * `condition=Type=Status`, or a JSON list of them.
 *
 * @throws Error naming the expression that is none of these.
 */
export function waitForAwaiter(annotation: string): Awaiter {
  const judges = expressions(annotation).map(judgeOf);
  const judge = (object: KubernetesObject): Verdict =>
    judges.map((each) => each(object)).find((verdict) => verdict.state !== "ready") ?? ready;
  return {
    stages: async (cluster, object) => {
      const resource = await resourceOf(cluster.discovery, object);
      return [objectStage(collectionPath(resource, namespaceOf(object)), nameOf(object), judge)];
    },
  };
}

/** @throws Error naming the expression that cannot be understood; for a check before anything is created. */
export function checkWaitFor(annotation: string): void {
  waitForAwaiter(annotation);
}

function expressions(annotation: string): string[] {
  if (!annotation.trimStart().startsWith("[")) return [annotation];
  try {
    const parsed: unknown = JSON.parse(annotation);
    if (Array.isArray(parsed) && parsed.length > 0) return parsed.map(String);
  } catch {
    // Said below.
  }
  throw new Error(
    `the annotation pulumi.com/waitFor has "${annotation}": a list must be JSON and hold at least one condition.`,
  );
}

function judgeOf(expression: string): (object: KubernetesObject) => Verdict {
  const condition = /^condition=([^=]+)(?:=(.+))?$/.exec(expression);
  if (condition !== null) return judgeCondition(condition[1] ?? "", condition[2] ?? "True");
  const path = /^jsonpath=\{\s*(.*?)\s*\}(?:=(.+))?$/s.exec(expression);
  if (path !== null) {
    // A path that cannot be read fails before anything is waited for.
    stepsOf(path[1] ?? "");
    return judgePath(path[1] ?? "", path[2]);
  }
  throw new Error(
    `the annotation pulumi.com/waitFor has "${expression}": expected jsonpath={.path}=value or condition=Type.`,
  );
}

function judgePath(path: string, expected: string | undefined): (object: KubernetesObject) => Verdict {
  return (object) => {
    const observed = numberAt(object, "status", "observedGeneration");
    if (observed !== undefined && !isObserved(object)) return waiting("its controller has not looked at it yet");
    const [found] = selectPath(path, object);
    const shown = typeof found === "object" && found !== null ? "a value that is no text or number" : String(found);
    if (found !== undefined && (expected === undefined || shown === expected)) return ready;
    return waiting(
      `{${path}} is ${found === undefined ? "not there" : shown}${expected === undefined ? "" : `, awaited is ${expected}`}`,
    );
  };
}

function judgeCondition(type: string, status: string): (object: KubernetesObject) => Verdict {
  return (object) => {
    const known = listAt(object, "status", "conditions").map((condition) => stringAt(condition, "type") ?? "");
    const name = known.find((each) => each.toLowerCase() === type.toLowerCase());
    const condition = name === undefined ? undefined : conditionOf(object, name);
    if (condition === undefined) return waiting(`it has no condition ${type} yet`);
    const observed = numberAt(condition, "observedGeneration") ?? numberAt(object, "status", "observedGeneration");
    if (observed !== undefined && observed < (numberAt(object, "metadata", "generation") ?? 0))
      return waiting("its controller has not looked at it yet");
    const current = stringAt(condition, "status") ?? "";
    if (current.toLowerCase() === status.toLowerCase()) return ready;
    const message = stringAt(condition, "message");
    return waiting(`condition ${type} is ${current}, awaited is ${status}${message ? `: ${message}` : ""}`);
  };
}
