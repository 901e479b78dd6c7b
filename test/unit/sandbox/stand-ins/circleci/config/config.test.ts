import { expect, test } from "vitest";
import { compileConfig, type CompiledConfig } from "../../../../../../sandbox/stand-ins/circleci/config/config.ts";

const base = `version: 2.1
parameters:
  services: { type: string, default: "" }
  count: { type: integer, default: 2 }
  trigger: { type: enum, enum: [deliver, review], default: deliver }
executors:
  go:
    parameters: { tag: { type: string, default: "1.26" } }
    docker: [{ image: "cimg/go:<< parameters.tag >>" }]
    environment: { FROM: executor, BOTH: executor }
commands:
  greet:
    parameters: { whom: { type: string }, loud: { type: boolean, default: false }, after: { type: steps, default: [] } }
    steps:
      - when: { condition: << parameters.loud >>, steps: [run: "echo HELLO << parameters.whom >>"] }
      - unless: { condition: << parameters.loud >>, steps: [run: "echo hello << parameters.whom >>"] }
      - steps-of
      - when: { condition: true, steps: << parameters.after >> }
  steps-of: { steps: [checkout] }
`;
const jobs = (text: string): string => `${base}jobs:\n${text}`;

function compiled(
  text: string,
  given: { branch?: string; parameters?: Record<string, string | number> } = {},
): CompiledConfig {
  const { branch = "main", parameters = {} } = given;
  const values = { id: "p1", number: 7, "git.branch": branch, "git.tag": null, "git.base_revision": null };
  return compileConfig(text, { values, parameters });
}

const oneJob = (body: string, call = "job"): string =>
  jobs(`  job: ${body}\nworkflows: { main: { jobs: [${call}] } }\n`);
const stepsOf = (config: CompiledConfig) => config.workflows[0]?.jobs[0]?.definition?.steps;

test("a job has its executor, its own settings over it, and its commands' steps", () => {
  const config = compiled(
    oneJob(
      `{ executor: { name: go, tag: "1.27" }, environment: { BOTH: job, N: 1 }, parameters: { who: { type: string, default: you } },
         steps: [greet: { whom: << parameters.who >>, loud: true, after: [run: later] }] }`,
      "job: { who: me }",
    ),
  );
  const definition = config.workflows[0]?.jobs[0]?.definition;
  expect(definition?.docker[0]?.image).toBe("cimg/go:1.27");
  expect(definition?.environment).toEqual({ FROM: "executor", BOTH: "job", N: "1" });
  expect(definition?.steps).toMatchObject([
    { type: "run", command: "echo HELLO me" },
    { type: "checkout" },
    { type: "run", command: "later" },
  ]);
});

test("pipeline values and parameters are filled in with their types, and \\<< stays", () => {
  const steps = `[{ run: "echo << pipeline.number >> << pipeline.git.tag >> \\\\<< EOF << pipeline.parameters.count >>" }]`;
  expect(
    stepsOf(compiled(oneJob(`{ docker: [{ image: x }], steps: ${steps} }`), { parameters: { count: 5 } })),
  ).toMatchObject([{ command: "echo 7  << EOF 5" }]);
});

test("a workflow runs by its condition, and a job by its filter", () => {
  const text = jobs(`  job: { docker: [{ image: x }], steps: [checkout] }
workflows:
  logic: { when: { and: [{ equal: [deliver, << pipeline.parameters.trigger >>] }, { not: << pipeline.git.tag >> }] }, jobs: [job] }
  expression: { when: pipeline.git.branch starts-with "fix" or pipeline.number > 100, jobs: [job] }
  never: { unless: true, jobs: [job] }
  filtered:
    jobs:
      - job: { filters: { branches: { only: [main, /release-.*/] } } }
      - job: { name: elsewhere, filters: { branches: { ignore: main } } }
      - job: { name: after, requires: [elsewhere] }
      - job: { name: both, requires: [job, elsewhere] }
      - job: { name: said, filters: pipeline.git.branch == "main" }
`);
  const names = (config: CompiledConfig) =>
    Object.fromEntries(config.workflows.map((workflow) => [workflow.name, workflow.jobs.map(({ name }) => name)]));
  expect(names(compiled(text))).toEqual({ logic: ["job"], filtered: ["job", "both", "said"] });
  expect(names(compiled(text, { branch: "fix-1", parameters: { trigger: "review" } }))).toEqual({
    expression: ["job"],
    filtered: ["elsewhere", "after", "both"],
  });
});

test("for a tag, jobs run whose filters speak of it, and no others", () => {
  const text = jobs(`  job: { docker: [{ image: x }], steps: [checkout] }
workflows:
  main:
    jobs:
      - job
      - job: { name: branches, filters: { branches: { only: /.*/ } } }
      - job: { name: versions, filters: { tags: { only: /v.*/ }, branches: { ignore: /.*/ } } }
      - job: { name: other, filters: { tags: { only: /.*/, ignore: v1 } } }
`);
  const names = (ref: { "git.branch": string | null; "git.tag": string | null }): string[] =>
    compileConfig(text, { values: { id: "p1", number: 7, ...ref }, parameters: {} }).workflows.flatMap((workflow) =>
      workflow.jobs.map(({ name }) => name),
    );
  expect(names({ "git.branch": null, "git.tag": "v1" })).toEqual(["versions"]);
  expect(names({ "git.branch": null, "git.tag": "v2" })).toEqual(["versions", "other"]);
  expect(names({ "git.branch": "v1", "git.tag": null })).toEqual(["job", "branches", "other"]);
});

test("requirements name endings, an approval has no definition, and contexts may be one or many", () => {
  const text = jobs(`  job: { docker: [{ image: x }], steps: [checkout] }
workflows:
  main:
    jobs:
      - job: { context: dev }
      - hold: { type: approval, requires: [job] }
      - job: { name: all, context: [dev, prod], requires: [{ job: terminal }, { hold: [success, canceled] }] }
`);
  const [job, hold, all] = compiled(text).workflows[0]?.jobs ?? [];
  expect(job?.contexts).toEqual(["dev"]);
  expect(hold?.definition).toBeUndefined();
  expect(all?.contexts).toEqual(["dev", "prod"]);
  expect(all?.requires.map(({ endings }) => endings.length)).toEqual([5, 2]);
});

test.each([
  ["orbs: { node: circleci/node@5 }\nversion: 2.1", 'does not know the key "orbs"'],
  ["version: 2", "version: must be 2.1"],
  ["version: 2.1\n  x: [", "is not valid YAML"],
  [oneJob("{ machine: true, steps: [] }"), 'jobs.job: the sandbox\'s CircleCI does not know the key "machine"'],
  [oneJob("{ steps: [] }"), "jobs.job: has no executor"],
  [oneJob("{ docker: [{ image: x }], steps: [node/install] }"), 'knows no step or command "node/install"'],
  [oneJob("{ docker: [{ image: x }], steps: [{ run: { comand: x } }] }"), "jobs.job.steps.0.run"],
  [oneJob("{ docker: [{ image: x }], steps: [greet] }"), "commands.greet: Missing required argument(s): whom"],
  [
    oneJob("{ docker: [{ image: x }], steps: [{ run: << pipeline.nothing >> }] }"),
    'there is no value "pipeline.nothing"',
  ],
  [oneJob("{ docker: [{ image: x }], steps: [checkout], parallelism: 2 }"), "jobs.job.parallelism"],
  [oneJob("{ docker: [{ image: x }], steps: [checkout] }", "job: { requires: [gone] }"), "requires 'gone'"],
  [oneJob("{ docker: [{ image: x }], steps: [checkout] }", "job: { matrix: { parameters: {} } }"), 'the key "matrix"'],
  [oneJob("{ docker: [{ image: x }], steps: [checkout] }", "job, job"), 'two jobs are called "job"'],
  [
    oneJob(
      "{ docker: [{ image: x }], steps: [checkout] }",
      "a: { type: approval, requires: [b] }, b: { type: approval, requires: [a] }",
    ),
    "jobs require each other: a → b → a",
  ],
  [oneJob("{ docker: [{ image: x }], steps: [checkout] }", "other"), "Cannot find a definition for job named other"],
])("a config that cannot be run says where and why: %#", (text, problem) => {
  expect(() => compiled(text)).toThrow(problem);
});

test("parameters that are given must be declared and fit", () => {
  const text = oneJob("{ docker: [{ image: x }], steps: [checkout] }");
  expect(() => compiled(text, { parameters: { other: 1 } })).toThrow("Unexpected argument(s): other");
  expect(() => compiled(text, { parameters: { count: "many" } })).toThrow("parameters.count: must be of type integer");
  expect(() => compiled(text, { parameters: { trigger: "party" } })).toThrow("must be one of deliver, review");
});

test("a setup config runs one workflow", () => {
  const job = "jobs: { job: { docker: [{ image: x }], steps: [checkout] } }";
  expect(compiled(`version: 2.1\nsetup: true\n${job}\nworkflows: { plan: { jobs: [job] } }`).setup).toBe(true);
  expect(() =>
    compiled(`version: 2.1\nsetup: true\n${job}\nworkflows: { a: { jobs: [job] }, b: { jobs: [job] } }`),
  ).toThrow("a setup config must run one workflow only");
});
