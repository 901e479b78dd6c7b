import { expect, test } from "vitest";
import { configurationProblems } from "../../../circleci/references.ts";

const valid = {
  version: 2.1,
  parameters: { mode: { type: "enum", enum: ["fast", "slow"], default: "fast" } },
  executors: { plain: { docker: [{ image: "cimg/base:current" }] } },
  commands: {
    greet: { parameters: { name: { type: "string" } }, steps: [{ run: { command: "echo << parameters.name >>" } }] },
  },
  jobs: {
    test: {
      parameters: { service: { type: "string" }, executor: { type: "executor", default: "plain" } },
      executor: "<< parameters.executor >>",
      steps: ["checkout", { greet: { name: "<< parameters.service >>" } }],
    },
  },
  workflows: {
    main: {
      when: { equal: ["fast", "<< pipeline.parameters.mode >>"] },
      jobs: [
        { test: { name: "one", service: "a" } },
        { hold: { type: "approval", requires: ["one"] } },
        { test: { name: "two", service: "b", requires: ["hold", { one: ["success", "failed"] }], context: "shop" } },
      ],
    },
  },
};

/** A deep copy with one place changed; `undefined` removes it. */
function changed(path: string, value: unknown): unknown {
  const copy = structuredClone<Record<string, unknown>>(valid);
  const keys = path.split("/");
  const parent = keys.slice(0, -1).reduce<Record<string, unknown>>((node, key) => Object(node[key]), copy);
  const last = keys.at(-1) ?? "";
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

test("a configuration as CircleCI takes it has no problems", () => {
  expect(configurationProblems(valid)).toEqual([]);
});

test("what is escaped is no parameter", () => {
  expect(configurationProblems(changed("jobs/test/steps/0", { run: { command: "cat \\<< parameters.x >>" } }))).toEqual(
    [],
  );
});

test.each<[fault: string, path: string, value: unknown, problem: RegExp]>([
  ["another version", "version", 2, /^version: /],
  ["an unknown key", "job", {}, /Unrecognized key: "job"/],
  ["a job without steps", "jobs/test/steps", [], /^jobs\.test\.steps: /],
  ["an executor without an image", "executors/plain/docker", [{}], /^executors\.plain\.docker\.0\.image: /],
  [
    "an executor that is not there",
    "jobs/test/executor",
    "other",
    /^jobs\.test\.executor: Cannot find a definition for executor named other$/,
  ],
  [
    "a step that is not there",
    "jobs/test/steps/0",
    "chekout",
    /^jobs\.test\.steps\.0: Cannot find a definition for command named chekout$/,
  ],
  ["a step without its settings", "jobs/test/steps/0", "run", /^jobs\.test\.steps\.0: run needs settings$/],
  ["two steps in one", "jobs/test/steps/0", { run: {}, checkout: {} }, /^jobs\.test\.steps\.0: Must be one step/],
  [
    "an unknown setting of a step",
    "jobs/test/steps/0",
    { restore_cache: { keys: ["a"], path: "b" } },
    /^jobs\.test\.steps\.0\.restore_cache: Unrecognized key: "path"$/,
  ],
  [
    "a fault in a conditional step",
    "jobs/test/steps/0",
    { when: { condition: true, steps: [{ run: { comand: "x" } }] } },
    /^jobs\.test\.steps\.0\.when\.steps\.0\.run.*command/,
  ],
  [
    "a fault in a step of the other condition",
    "jobs/test/steps/0",
    { unless: { condition: true, steps: ["chekout"] } },
    /^jobs\.test\.steps\.0\.unless\.steps\.0: Cannot find a definition for command named chekout$/,
  ],
  [
    "an empty path",
    "jobs/test/steps/0",
    { store_artifacts: { path: "" } },
    /^jobs\.test\.steps\.0\.store_artifacts\.path: Must not be empty$/,
  ],
  ["a cache without keys", "jobs/test/steps/0", { restore_cache: {} }, /restore_cache: must have a key or keys$/],
  [
    "a time that is none",
    "jobs/test/steps/0",
    { run: { command: "x", no_output_timeout: "20" } },
    /Must be a time such as 20m/,
  ],
  [
    "a missing argument of a command",
    "jobs/test/steps/1",
    "greet",
    /^jobs\.test\.steps\.1\.greet: Missing required argument\(s\): name$/,
  ],
  [
    "a parameter that is not declared",
    "jobs/test/steps/0",
    { run: { command: "echo << parameters.sevice >>" } },
    /^jobs\.test: << parameters\.sevice >> is not declared$/,
  ],
  [
    "a parameter within an expression that is not declared",
    "jobs/test/steps/0",
    { run: { command: 'echo << parameters.service == "a" or parameters.sevice >>' } },
    /^jobs\.test: << parameters\.sevice >> is not declared$/,
  ],
  [
    "a pipeline parameter that is not declared",
    "workflows/main/when",
    { equal: ["x", "<< pipeline.parameters.moode >>"] },
    /^<< pipeline\.parameters\.moode >> is not declared$/,
  ],
  [
    "a default that is no choice",
    "parameters/mode/default",
    "soon",
    /^parameters\.mode\.default: Must be one of enum$/,
  ],
  ["a condition of no kind", "workflows/main/when", { equals: [1, 1] }, /^workflows\.main\.when: /],
  ["a workflow without jobs", "workflows/main/jobs", [], /^workflows\.main\.jobs: Must have a job$/],
  ["no workflow", "workflows", {}, /^workflows: Must have a workflow$/],
  [
    "a job that is not there",
    "workflows/main/jobs/0",
    "tset",
    /^workflows\.main\.jobs\.tset: Cannot find a definition for job named tset$/,
  ],
  [
    "a job without its argument",
    "workflows/main/jobs/0",
    { test: { name: "one" } },
    /\.one: Missing required argument\(s\): service$/,
  ],
  ["an argument of another type", "workflows/main/jobs/0/test/service", 7, /\.one\.service: must be of type string$/],
  [
    "an argument that no parameter takes",
    "workflows/main/jobs/0/test/srv",
    "a",
    /\.one: Unexpected argument\(s\): srv$/,
  ],
  [
    "an executor that a job is given, but is not there",
    "workflows/main/jobs/0/test/executor",
    "big",
    /\.one\.executor: Cannot find a definition for executor named big$/,
  ],
  [
    "an argument of an approval",
    "workflows/main/jobs/1/hold/service",
    "a",
    /\.hold: Unexpected argument\(s\): service$/,
  ],
  [
    "a name that two jobs have",
    "workflows/main/jobs/2/test/name",
    "one",
    /^workflows\.main\.jobs: two jobs are called "one": give one another name$/,
  ],
  [
    "a requirement that is not there",
    "workflows/main/jobs/1/hold/requires",
    ["x"],
    /^workflows\.main: Job 'hold' requires 'x', which is the name of 0 other jobs in the workflow$/,
  ],
  ["an outcome that is none", "workflows/main/jobs/1/hold/requires", [{ one: "done" }], /jobs\.1/],
  [
    "jobs that wait for one another",
    "workflows/main/jobs/0/test/requires",
    ["two"],
    /^workflows\.main: jobs require each other: one → two → hold → one$/,
  ],
  [
    "an approval named like a job",
    "workflows/main/jobs/1",
    { test: { type: "approval" } },
    /an approval must not be named like a job/,
  ],
])("%s is a problem", (_, path, value, problem) => {
  expect(configurationProblems(changed(path, value)).join("\n")).toMatch(new RegExp(problem.source, "m"));
});

test("a setup configuration has one workflow", () => {
  const two = { ...valid, setup: true, workflows: { ...valid.workflows, other: valid.workflows.main } };
  expect(configurationProblems(two)).toEqual(["workflows: a setup config must run one workflow only"]);
});
