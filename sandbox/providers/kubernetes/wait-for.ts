import { isMap } from "../../../kubernetes/json.ts";
import {
  conditionOf,
  listAt,
  nameOf,
  namespaceOf,
  numberAt,
  stringAt,
  textOf,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import type { PropertyValue } from "../property.ts";
import { collectionPath, resourceOf } from "./discovery.ts";
import { objectStage, pending, ready, type Awaiter, type Verdict } from "./watch.ts";
import { isObserved } from "./workload-readiness.ts";

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
    if (observed !== undefined && !isObserved(object)) return pending("its controller has not looked at it yet");
    const [found] = selectPath(path, object);
    const shown = typeof found === "object" && found !== null ? "a value that is no text or number" : String(found);
    if (found !== undefined && (expected === undefined || shown === expected)) return ready;
    return pending(
      `{${path}} is ${found === undefined ? "not there" : shown}${expected === undefined ? "" : `, awaited is ${expected}`}`,
    );
  };
}

function judgeCondition(type: string, status: string): (object: KubernetesObject) => Verdict {
  return (object) => {
    const known = listAt(object, "status", "conditions").map((condition) => stringAt(condition, "type") ?? "");
    const name = known.find((each) => each.toLowerCase() === type.toLowerCase());
    const condition = name === undefined ? undefined : conditionOf(object, name);
    if (condition === undefined) return pending(`it has no condition ${type} yet`);
    const observed = numberAt(condition, "observedGeneration") ?? numberAt(object, "status", "observedGeneration");
    if (observed !== undefined && observed < (numberAt(object, "metadata", "generation") ?? 0))
      return pending("its controller has not looked at it yet");
    const current = stringAt(condition, "status") ?? "";
    if (current.toLowerCase() === status.toLowerCase()) return ready;
    const message = stringAt(condition, "message");
    return pending(`condition ${type} is ${current}, awaited is ${status}${message ? `: ${message}` : ""}`);
  };
}

type Step = (values: readonly PropertyValue[]) => PropertyValue[];

const token =
  /\.\.|\.?([\w-]+)|\.?\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d+)|(\*)|\?\(\s*@\.([\w.-]+)\s*==\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\s*\))\s*\]|\.(\*)/y;

/**
 * The values that a JSONPath such as `.status.conditions[?(@.type=="Ready")].status` selects.
 *
 * @throws Error naming the path where it uses more of JSONPath than keys, indexes, `*` and one equality.
 */
export function selectPath(path: string, root: PropertyValue): PropertyValue[] {
  return stepsOf(path).reduce<PropertyValue[]>((values, step) => step(values), [root]);
}

function stepsOf(path: string): Step[] {
  const text = path.trim().replace(/^\$/, "");
  const steps: Step[] = [];
  let position = 0;
  while (position < text.length) {
    token.lastIndex = position;
    const match = token.exec(text);
    if (match === null || match[0] === "..")
      throw new Error(`the JSONPath {${path}} is not understood at "${text.slice(position)}".`);
    const [whole, key, single, double, index, star, filterKey, ...rest] = match;
    const name = key ?? single ?? double;
    if (name !== undefined) steps.push(member(name.replaceAll(/\\(.)/g, "$1")));
    else if (index !== undefined)
      steps.push((values) =>
        values.flatMap((value) => (Array.isArray(value) ? value.slice(Number(index)).slice(0, 1) : [])),
      );
    else if (filterKey !== undefined) steps.push(filter(filterKey, rest[0] ?? rest[1] ?? rest[2] ?? ""));
    else if (star !== undefined || rest[3] !== undefined) steps.push((values) => values.flatMap(children));
    position += whole.length;
  }
  return steps;
}

function member(name: string): Step {
  return (values) =>
    values.flatMap((value) => {
      const found = isMap(value) ? value[name] : undefined;
      return found === undefined ? [] : [found];
    });
}

function filter(key: string, expected: string): Step {
  const steps = key.split(".").map(member);
  return (values) =>
    values
      .flatMap(children)
      .filter((item) =>
        steps.reduce<PropertyValue[]>((found, step) => step(found), [item]).some((value) => textOf(value) === expected),
      );
}

function children(value: PropertyValue): PropertyValue[] {
  if (Array.isArray(value)) return value;
  return isMap(value) ? Object.values(value) : [];
}
