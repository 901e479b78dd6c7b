import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { continueConfiguration } from "../../../../cli/ci-config/circleci/configuration.ts";
import type { Invocation } from "../../../../circleci/schema.ts";
import { render } from "../../../../cli/ci-config/generated-files.ts";
import { triggerKinds, type Pipeline, type TriggerKind } from "../../../../cli/ci-config/pipeline.ts";
import type { PipelineJob } from "../../../../cli/ci-config/pipeline-job.ts";
import { happens, pipelineJobs } from "../../../../cli/ci-config/pipeline-jobs.ts";
import type { PipelineRun } from "../../../../cli/ci-config/tekton/objects.ts";
import { pipelineRun } from "../../../../cli/ci-config/tekton/runs.ts";
import { travis } from "../../../../cli/ci-config/travis/travis.ts";
import type { TravisConfig } from "../../../../cli/ci-config/travis/schema.ts";
import { randomChange, randomFrom, randomPipeline } from "../../../support/random-pipeline.ts";
import { holds } from "../../../support/travis-conditions.ts";

/** What an engine is given to do: each job with the services it is for, and the jobs that must have ended before. */
type Work = ReadonlyMap<string, { readonly services: readonly string[]; readonly after: ReadonlySet<string> }>;

/** One run of the part of a pipeline that a change needs. */
interface Run {
  readonly changed: Pipeline;
  readonly trigger: TriggerKind;
}

const quiet = {
  environment: {},
  signal: new AbortController().signal,
  input: () => Promise.resolve(""),
  note: () => undefined,
  print: () => undefined,
};

/** The services in a job's commands, or of jobs that name theirs otherwise, in the job's name. */
function servicesIn(text: string, name: string): string[] {
  const named = [...text.matchAll(/ --service (\S+)/g)].map(([, service = ""]) => service);
  return named.length > 0 ? named : (/^(?:test|prepare)-(.*)$/.exec(name)?.slice(1) ?? []);
}

/** All that comes before, however far. */
function closure(requires: ReadonlyMap<string, readonly string[]>): (name: string) => ReadonlySet<string> {
  const before = (name: string): ReadonlySet<string> =>
    new Set((requires.get(name) ?? []).flatMap((required) => [required, ...before(required)]));
  return before;
}

function modelWork({ changed, trigger }: Run, approvals: boolean): Work {
  const jobs = pipelineJobs(trigger, { pipeline: changed, perJob: 1, approvals });
  const before = closure(new Map(jobs.map(({ name, requires = [] }) => [name, requires])));
  const services = ({ batch }: PipelineJob): string[] => batch?.services.map(({ name }) => name) ?? [];
  return new Map(jobs.map((job) => [job.name, { services: services(job), after: before(job.name) }]));
}

function circleWork({ changed, trigger }: Run): Work {
  const configuration: ReturnType<typeof continueConfiguration> = parse(
    render(continueConfiguration(changed, { trigger }), ""),
  );
  const calls = (configuration.workflows[trigger]?.jobs ?? []).flatMap((call): [string, Invocation][] =>
    typeof call === "string" ? [] : Object.entries(call).map(([job, one]) => [one.name ?? job, one]),
  );
  const named = calls.filter(([name]) => name !== "delivery");
  const requires = new Map(
    named.map(([name, one]) => [
      name,
      (one.requires ?? []).flatMap((required) => (typeof required === "string" ? required : Object.keys(required))),
    ]),
  );
  const before = closure(requires);
  return new Map(
    named.map(([name, one]) => {
      const given = [one["service"], one["tested"], one["archive"]].filter((text) => typeof text === "string");
      return [name, { services: given, after: before(name) }];
    }),
  );
}

const events: Readonly<Record<TriggerKind, Readonly<Record<string, string>>>> = {
  deliver: { type: "push", branch: "main", head_repo: "", repo: "acme/shop" },
  review: { type: "pull_request", branch: "main", head_repo: "acme/shop", repo: "acme/shop" },
  "review-with-environment": { type: "pull_request", branch: "main", head_repo: "acme/shop", repo: "acme/shop" },
  "review-of-fork": { type: "pull_request", branch: "main", head_repo: "someone/shop", repo: "acme/shop" },
  drift: { type: "cron", branch: "main", head_repo: "", repo: "acme/shop" },
  resume: { type: "cron", branch: "main", head_repo: "", repo: "acme/shop" },
};

/** The jobs that Travis starts for the event, and of these, the ones that the plan lets go on. */
async function travisWork({ changed, trigger }: Run, { if: builds, stages, jobs }: TravisConfig): Promise<Work> {
  const directory = mkdtempSync(join(tmpdir(), "travis-plan-"));
  const plan = join(directory, "plan");
  await travis.continueRun(
    { pipeline: changed, trigger: { kind: trigger } },
    { ci: {}, commit: "0".repeat(40), branch: "main", plan },
    quiet,
  );
  const lines = new Set(readFileSync(plan, "utf8").split("\n"));
  rmSync(directory, { recursive: true });
  const event = events[trigger];
  expect([trigger, holds(builds, event)]).toEqual([trigger, true]);
  const started = jobs.include.filter((job) => holds(job.if ?? "true", event));
  const going = started.flatMap((job) => {
    const [script = ""] = job.script;
    const [, kind = "", name = ""] = /job\.sh (\S+) (\S+) <</.exec(script) ?? [];
    return lines.has(`${kind} ${name}`) ? [{ name, stage: stages.indexOf(job.stage), script }] : [];
  });
  expect(new Set(going.map(({ name }) => name)).size).toBe(going.length);
  return new Map(
    going.map(({ name, stage, script }) => [
      name,
      {
        services: servicesIn(script, name),
        after: new Set(going.filter((other) => other.stage < stage).map((other) => other.name)),
      },
    ]),
  );
}

function tektonWork({ changed, trigger }: Run): Work {
  const { tasks }: PipelineRun["spec"]["pipelineSpec"] = JSON.parse(
    JSON.stringify(pipelineRun(trigger, changed, tektonSource).spec.pipelineSpec),
  );
  // What takes the results of another comes after it, too.
  const results = /^\$\(tasks\.([^.]+)\.results\./;
  const requires = tasks.map(({ name, runAfter = [], params = [] }) => {
    const from = params.flatMap(({ value }) => results.exec(value)?.slice(1) ?? []);
    return [name, [...runAfter, ...from]] as const;
  });
  const before = closure(new Map(requires));
  return new Map(
    tasks.map(({ name, taskSpec: { steps } }) => {
      const text = steps.map(({ script }) => script).join("\n");
      return [name, { services: servicesIn(text, name), after: before(name) }];
    }),
  );
}

const tektonSource = {
  repository: "https://github.com/acme/shop",
  commit: "0".repeat(40),
  branch: "main",
  secret: "checkout",
  values: { commit: "0".repeat(40), number: "7", pullRequest: "12" },
};

/** Where an engine does not have the same jobs for the same services, or one not after all that the model wants before it. */
function differences(actual: Work, model: Work): string[] {
  const lacking = (one: Work, other: Work, what: string) =>
    [...one.keys()].flatMap((name) => (other.has(name) ? [] : [`${name} is ${what}`]));
  return [
    ...lacking(model, actual, "lost"),
    ...lacking(actual, model, "too many"),
    ...[...model].flatMap(([name, { services, after }]) => {
      const job = actual.get(name);
      if (job === undefined) return [];
      const early = [...after].filter((before) => !job.after.has(before));
      return [
        ...(job.services.join(" ") === services.join(" ") ? [] : [`${name} is for ${job.services.join(" ")}`]),
        ...early.map((before) => `${name} does not wait for ${before}`),
      ];
    }),
  ];
}

test("for any change, every engine is given the same services to test, build and release, in an order that the pipeline allows", async () => {
  let released = 0;
  for (let seed = 0; seed < 20; seed += 1) {
    const random = randomFrom(seed);
    const whole = randomPipeline(random);
    const committed: TravisConfig = parse(travis.files(whole)[0]?.text ?? "");
    for (let change = 0; change < 10; change += 1) {
      const triggers = triggerKinds.filter((kind) => happens(kind, whole));
      const trigger = triggers[change % triggers.length] ?? "deliver";
      const run = { changed: randomChange(whole, random), trigger };
      const label = `seed ${seed}, change ${change}, ${trigger}`;
      expect([label, ...differences(circleWork(run), modelWork(run, true))]).toEqual([label]);
      expect([label, ...differences(await travisWork(run, committed), modelWork(run, false))]).toEqual([label]);
      expect([label, ...differences(tektonWork(run), modelWork(run, false))]).toEqual([label]);
      if (modelWork(run, true).has("release-dev")) released += 1;
    }
  }
  expect(released).toBeGreaterThan(20);
});

test("the check finds a job that is lost, one that is too many, and one that starts too early", () => {
  const model: Work = new Map([
    ["test-link", { services: ["link"], after: new Set() }],
    ["release-dev", { services: [], after: new Set(["test-link"]) }],
  ]);
  expect(differences(model, model)).toEqual([]);
  expect(differences(new Map([...model].slice(1)), model)).toEqual(["test-link is lost"]);
  const more: Work = new Map([...model, ["x", { services: [], after: new Set<string>() }]]);
  expect(differences(more, model)).toEqual(["x is too many"]);
  const early: Work = new Map([...model].map(([name, job]) => [name, { ...job, after: new Set<string>() }]));
  expect(differences(early, model)).toEqual(["release-dev does not wait for test-link"]);
  const other: Work = new Map([...model].map(([name, job]) => [name, { ...job, services: ["user"] }]));
  expect(differences(other, model)).toEqual(["test-link is for user", "release-dev is for user"]);
});
