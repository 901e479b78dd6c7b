import type { Workflow } from "../../circleci/schema.ts";
import { verbatim } from "./steps.ts";

/** A job of a workflow. */
export interface Call {
  /** The job, among those of the configuration; `approval` is CircleCI's own job, which waits for a person. */
  readonly job: string;
  /** What it is called in the workflow, and reports as. */
  readonly name: string;
  /** The names of those that must have succeeded before. */
  readonly requires?: readonly string[];
  /** Where its credentials are; of two that hold the same variable, the later counts. @default none */
  readonly contexts?: readonly string[];
  readonly parameters?: Readonly<Record<string, string | boolean>>;
}

/**
 * Job `delivery` waits for all of them, whatever they come to, but not for a person, nor for what waits for one.
 * @param problem why it fails all the same. @default it does not
 */
export function withAggregate(calls: readonly Call[], problem?: string): Workflow["jobs"] {
  const approved = afterApproval(calls);
  const awaited = calls.map(({ name }) => name).filter((name) => !approved.has(name));
  const settings = {
    ...(problem === undefined ? {} : { problem: verbatim(problem) }),
    ...(awaited.length === 0
      ? {}
      : { jobs: lines(awaited), requires: awaited.map((name) => ({ [name]: "terminal" as const })) }),
  };
  return [...calls.map(invocation), Object.keys(settings).length === 0 ? "delivery" : { delivery: settings }];
}

export function invocation({ job, name, requires = [], contexts = [], parameters }: Call): Workflow["jobs"][number] {
  const dependencies = requires.length === 0 ? {} : { requires: [...requires] };
  if (job === "approval") return { [name]: { type: "approval", ...dependencies } };
  return {
    [job]: {
      ...(name === job ? {} : { name }),
      ...parameters,
      ...(contexts.length === 0 ? {} : { context: contexts.length === 1 ? contexts[0] : [...contexts] }),
      ...dependencies,
    },
  };
}

/** Calls come after those that they require. */
function afterApproval(calls: readonly Call[]): ReadonlySet<string> {
  return calls.reduce<ReadonlySet<string>>(
    (found, { job, name, requires = [] }) =>
      job === "approval" || requires.some((required) => found.has(required)) ? new Set([...found, name]) : found,
    new Set(),
  );
}

/** Broken into lines, so that hundreds stay readable. */
function lines(names: readonly string[]): string {
  return names.reduce((text, name) => {
    if (text === "") return name;
    const line = text.slice(text.lastIndexOf("\n") + 1);
    return line.length + name.length < 100 ? `${text} ${name}` : `${text}\n${name}`;
  }, "");
}
