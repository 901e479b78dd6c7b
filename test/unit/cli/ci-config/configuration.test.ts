import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { isWithinLimits } from "../../../../circleci/limits.ts";
import { configurationProblems } from "../../../../circleci/references.ts";
import type { CircleConfig, Invocation } from "../../../../circleci/schema.ts";
import {
  continueConfiguration,
  failedConfiguration,
  setupConfiguration,
} from "../../../../cli/ci-config/circleci/configuration.ts";
import { servicePorts } from "../../../../cli/ci-config/service-ports.ts";
import { generatedFiles } from "../../../../cli/ci-config/circleci/files.ts";
import { render, staleFiles, writeFiles } from "../../../../cli/ci-config/generated-files.ts";
import { triggerKinds, type Pipeline, type TriggerKind } from "../../../../cli/ci-config/pipeline.ts";
import { ownRulesDirectory } from "../../../../policy/own-rules.ts";
import { programEntries } from "../../../../cli/ci-config/program-layout.ts";
import { pipelineOf, readDeclarations } from "../../../../cli/ci-config/read-pipeline.ts";
import { Project } from "../../../../cli/project/stack-file.ts";
import { samplePipeline } from "../../../support/sample-pipeline.ts";

const postgres = [{ image: "cimg/postgres:17.5", env: { POSTGRES_PASSWORD: "test" } }];
const staging = {
  name: "staging",
  context: "shop-staging",
  pulls: true,
  from: "dev",
  approval: false,
  healthyMinutes: 10,
};
const prod = { name: "prod", context: "shop-prod", pulls: true, from: "staging", approval: true };
const shop: Pipeline = {
  ...samplePipeline,
  pullLogin: true,
  promotions: [staging, prod],
  services: [
    { name: "link", serviceContainers: postgres },
    { name: "user", serviceContainers: [] },
  ],
  previewEnvironments: true,
};

/** The jobs of the one workflow for a trigger, by name. */
function jobsOf(pipeline: Partial<Pipeline>, trigger: TriggerKind, problem?: string): Map<string, Invocation> {
  const configuration = continueConfiguration({ ...shop, ...pipeline }, { trigger, problem });
  expect(configurationProblems(configuration)).toEqual([]);
  expect(Object.keys(configuration.workflows)).toEqual([trigger]);
  return new Map(
    (configuration.workflows[trigger]?.jobs ?? []).map((call) => {
      const [job, invocation]: [string, Invocation] =
        typeof call === "string" ? [call, {}] : (Object.entries(call)[0] ?? ["", {}]);
      return [invocation.name ?? job, invocation] as const;
    }),
  );
}

const awaited = (jobs: ReadonlyMap<string, Invocation>): string[] =>
  (jobs.get("delivery")?.requires ?? []).flatMap((requirement) => Object.keys(requirement));

test("this repository's own configuration is what its stack files and services ask for", () => {
  const pipeline = pipelineOf(readDeclarations(new Project(), "dev"), { program: "." }, "examples/delinkcious/");
  expect(staleFiles(".circleci", generatedFiles(pipeline))).toEqual([]);
});

test("the sandbox's environment, which comes from no other, makes a valid configuration, too", () => {
  const pipeline = pipelineOf(readDeclarations(new Project(), "sandbox"), { program: "." }, "examples/delinkcious/");
  expect(pipeline.promotions).toEqual([]);
  expect(configurationProblems(setupConfiguration(pipeline))).toEqual([]);
  expect(configurationProblems(continueConfiguration(pipeline))).toEqual([]);
});

test("a stale file is told from what it must be also where they look the same", () => {
  const directory = mkdtempSync(join(tmpdir(), "ci-config-"));
  const [{ name, text } = { name: "", text: "" }] = generatedFiles(shop);
  writeFiles(directory, [{ name, text: text.replaceAll("\n", "\r\n") }]);
  const [line = ""] = text.split("\n");
  expect(staleFiles(directory, [{ name, text }])).toEqual([
    `${join(directory, name)} is stale: line 1 is ${JSON.stringify(`${line}\r`)}, and must be ${JSON.stringify(line)}`,
  ]);
  rmSync(directory, { recursive: true });
});

test("where CircleCI lists deploys, each job that deploys says so, and there is a pipeline that rolls back; else neither", () => {
  const marking = {
    ...shop,
    deployMarkers: true as const,
    first: { ...shop.first, hasWindows: true as const, verifyWait: 5 },
  };
  const { jobs } = continueConfiguration(marking);
  const deploying = Object.entries(jobs).flatMap(([name, job]) =>
    JSON.stringify(job).includes("--deploy-markers") ? [name] : [],
  );
  expect(deploying).toEqual(["release", "release-waiting", "verify", "promote"]);
  expect(JSON.stringify(continueConfiguration(shop))).not.toContain("--deploy-markers");
  expect(generatedFiles(shop).map(({ name }) => name)).toEqual(["config.yml", "continue_config.yml"]);
  const [, , rollback] = generatedFiles(marking);
  expect(rollback?.name).toBe("rollback.yml");
  expect(parse(rollback?.text ?? "")).toMatchObject({
    jobs: {
      rollback: {
        environment: {
          COMPONENT: "<< pipeline.deploy.component_name >>",
          VERSION: "<< pipeline.deploy.target_version >>",
          REASON: "<< pipeline.deploy.reason >>",
        },
      },
    },
    workflows: {
      "rollback-dev": {
        when: { equal: ["dev", "<< pipeline.deploy.environment_name >>"] },
        jobs: [{ rollback: { name: "rollback-dev", environment: "dev", context: "shop-dev" } }],
      },
      "rollback-prod": { jobs: [{ rollback: { context: "shop-prod" } }] },
    },
  });
});

test("the same pipeline makes the same text", () => {
  expect(generatedFiles(structuredClone(shop))).toEqual(generatedFiles(shop));
});

describe("what is merged", () => {
  test("is tested and built at once, then released with the credentials of the environment", () => {
    const jobs = jobsOf({ promotions: [] }, "deliver");
    expect([...jobs.keys()]).toEqual([
      "test-link",
      "test-user",
      "build-link",
      "build-user",
      "release-dev",
      "publish-state-dev",
      "tidy-preview-environments",
      "delivery",
    ]);
    expect(jobs.get("build-link")).toEqual({ name: "build-link", service: "link", context: "shop-build" });
    expect(jobs.get("test-user")).toEqual({ name: "test-user", service: "user" });
    expect(jobs.get("release-dev")).toMatchObject({
      context: "shop-dev",
      requires: ["test-link", "test-user", "build-link", "build-user"],
    });
  });

  test("is promoted along the chain, each environment with its own credentials, after an approval where one is asked for", () => {
    const jobs = jobsOf({}, "deliver");
    expect(jobs.get("promote-staging")).toMatchObject({
      context: "shop-staging",
      options: "--wait 25m",
      requires: ["release-dev"],
    });
    expect(jobs.get("propose-prod")).toMatchObject({ context: "shop-prod", requires: ["promote-staging"] });
    expect(jobs.get("approve-prod")).toEqual({ type: "approval", requires: ["propose-prod"] });
    expect(jobs.get("promote-prod")).toMatchObject({
      context: "shop-prod",
      options: '--approved "$approved"',
      approved: true,
      requires: ["approve-prod"],
    });
  });

  test("lets a person hold or take back what they were shown, each by an approval of its own", () => {
    const choosing = { ...prod, choices: ["hold", "take-back"] as const };
    const jobs = jobsOf({ promotions: [staging, choosing], first: { ...shop.first, pulls: false } }, "deliver");
    for (const choice of choosing.choices)
      expect(jobs.get(`choose-${choice}-prod`)).toEqual({ type: "approval", requires: ["propose-prod"] });
    expect(jobs.get("hold-prod")).toEqual({
      name: "hold-prod",
      job: "hold-prod",
      environment: "prod",
      options: '--hold "as a person has chosen in CI"',
      context: "shop-prod",
      requires: ["choose-hold-prod"],
    });
    // It is taken back where it comes from, with that environment's credentials.
    expect(jobs.get("take-back-prod")).toMatchObject({
      options: '--take-back "as a person has chosen in CI"',
      context: "shop-staging",
      requires: ["choose-take-back-prod"],
    });
    expect(jobs.get("publish-state-prod")).toMatchObject({ requires: ["promote-prod"] });
    expect(awaited(jobs).filter((name) => name.includes("prod"))).toEqual(["propose-prod"]);
    const { jobs: written } = continueConfiguration({ ...shop, promotions: [staging, choosing] });
    expect(JSON.stringify(written["decide"]?.steps)).toContain(
      'delivery approve --env << parameters.environment >> --shown \\"$PWD/',
    );
    expect(continueConfiguration(shop).jobs).not.toHaveProperty("decide");
  });

  test("has a status that waits for no person", () => {
    const names = awaited(jobsOf({}, "deliver"));
    expect(names).toContain("publish-state-staging");
    expect(names.filter((name) => name.includes("prod"))).toEqual(["propose-prod"]);
  });

  test("is built only after its tests where a watcher of the registry releases it, and CI does not", () => {
    const jobs = jobsOf({ releases: false }, "deliver");
    expect(jobs.get("build-link")).toMatchObject({ requires: ["test-link"] });
    expect(jobs.has("release-dev")).toBe(false);
    expect(jobs.get("promote-staging")).toMatchObject({
      requires: ["test-link", "test-user", "build-link", "build-user"],
    });
  });

  test("is nothing but a status where only documents have changed", () => {
    const jobs = jobsOf({ services: [] }, "deliver");
    expect([...jobs]).toEqual([["delivery", {}]]);
  });

  test("is tested and not built where only tests have changed", () => {
    const jobs = jobsOf({ services: [], testedOnly: [{ name: "link", serviceContainers: postgres }] }, "deliver");
    expect([...jobs.keys()]).toEqual(["test-link", "delivery"]);
    expect(jobs.get("test-link")).toMatchObject({ executor: "with-postgres", ports: "5432" });
  });
});

describe("a branch", () => {
  test("has credentials for nothing but its preview, and pushes no image", () => {
    const jobs = jobsOf({}, "review");
    expect([...jobs.keys()]).toEqual(["test-link", "test-user", "build-link", "build-user", "preview", "delivery"]);
    const { steps } = continueConfiguration(shop).jobs["build-only"] ?? {};
    expect(JSON.stringify(steps)).toContain("--no-push");
  });

  test("of a fork has no credentials at all, and is previewed without", () => {
    const jobs = jobsOf({}, "review-of-fork");
    expect([...jobs.values()].filter(({ context }) => context !== undefined)).toEqual([]);
    expect(JSON.stringify(continueConfiguration(shop).jobs["preview-of-fork"])).toContain(
      "delivery preview --safe-stack dev --safe-stack staging --safe-stack prod ",
    );
  });

  test("with a label gets its images pushed, and an environment", () => {
    const jobs = jobsOf({}, "review-with-environment");
    expect(jobs.get("preview-environment")).toEqual({
      built: true,
      context: "shop-previews",
      requires: ["build-link", "build-user"],
    });
    expect(jobs.get("build-link")).toMatchObject({ context: "shop-previews" });
    expect(awaited(jobs)).toContain("preview-environment");
  });

  test("that changes documents only has no preview either", () => {
    for (const trigger of ["review", "review-of-fork"] as const)
      expect([...jobsOf({ services: [], previews: false }, trigger).keys()]).toEqual(["delivery"]);
  });

  test("with a label that changes no service gets an empty environment, which Argo CD looks for all the same", () => {
    const jobs = jobsOf({ services: [], previews: false }, "review-with-environment");
    expect(jobs.get("preview-environment")).toEqual({ context: "shop-previews" });
  });

  test("that changes the program alone is previewed", () => {
    expect([...jobsOf({ services: [] }, "review").keys()]).toEqual(["preview", "delivery"]);
  });
});

describe("each job has the contexts that it needs, and no others", () => {
  const build = "shop-build";
  const read = "shop-read";
  const previews = "shop-previews";
  const contextsOf = (jobs: ReadonlyMap<string, Invocation>): Record<string, unknown> =>
    Object.fromEntries([...jobs].flatMap(([name, { context }]) => (context === undefined ? [] : [[name, context]])));

  test.each<[TriggerKind, Record<string, string>]>([
    [
      "deliver",
      {
        "build-link": build,
        "build-user": build,
        "release-dev": "shop-dev",
        "publish-state-dev": "shop-dev",
        "promote-staging": "shop-staging",
        "publish-state-staging": "shop-staging",
        "propose-prod": "shop-prod",
        "promote-prod": "shop-prod",
        "publish-state-prod": "shop-prod",
        "tidy-preview-environments": previews,
      },
    ],
    ["review", { "build-link": read, "build-user": read, preview: read }],
    [
      "review-with-environment",
      { "build-link": previews, "build-user": previews, preview: read, "preview-environment": previews },
    ],
    ["review-of-fork", {}],
    ["drift", { "drift-dev": "shop-dev", "drift-staging": "shop-staging", "drift-prod": "shop-prod" }],
  ])("%s", (trigger, expected) => {
    expect(contextsOf(jobsOf({}, trigger))).toEqual(expected);
  });

  test("without a login that may only pull, builds of pull requests have none, and releases look images up with that of builds", () => {
    const first = { ...shop.first, pulls: false };
    const promotions = [staging, prod].map((promotion) => ({ ...promotion, pulls: false }));
    const pipeline = { first, promotions, pullLogin: false };
    expect(contextsOf(jobsOf(pipeline, "review"))).toEqual({ preview: read });
    expect(contextsOf(jobsOf(pipeline, "deliver"))).toMatchObject({
      "release-dev": [build, "shop-dev"],
      "promote-staging": [build, "shop-staging"],
      "propose-prod": [build, "shop-prod"],
      "promote-prod": [build, "shop-prod"],
      "publish-state-prod": "shop-prod",
    });
  });

  test("nothing that a pull request runs has an environment's context, whatever its services", () => {
    const prepare = { command: "make", directory: "svc/link", context: "." };
    const services = shop.services.map((service) => ({
      ...service,
      prepare,
      testImage: "rust",
      testScript: "cargo test",
    }));
    for (const trigger of ["review", "review-with-environment", "review-of-fork"] as const) {
      const used = new Set(Object.values(contextsOf(jobsOf({ services }, trigger))).flat());
      for (const name of ["shop-dev", "shop-staging", "shop-prod", build]) expect(used).not.toContain(name);
    }
  });

  test("the program of a pull request is run without credentials of an environment", () => {
    const { jobs } = continueConfiguration(shop);
    for (const name of ["preview", "preview-of-fork"]) expect(JSON.stringify(jobs[name])).not.toMatch(/ --stack /);
  });
});

test("pull requests get no environment where the stack file has no previews", () => {
  expect(Object.keys(continueConfiguration({ ...shop, previewEnvironments: false }).workflows)).toEqual(
    triggerKinds.filter((trigger) => !["review-with-environment", "resume"].includes(trigger)),
  );
});

describe("where images have to prove themselves", () => {
  const first = { ...shop.first, verifyWait: 15 };
  const promotions = [{ ...staging, verifyWait: 30 }, prod];

  test("a job waits for that after each release, and nothing is promoted before", () => {
    const jobs = jobsOf({ first, promotions }, "deliver");
    expect(jobs.get("verify-dev")).toEqual({
      name: "verify-dev",
      environment: "dev",
      options: "--wait 15m",
      context: "shop-dev",
      requires: ["release-dev"],
    });
    expect(jobs.get("promote-staging")?.requires).toEqual(["verify-dev"]);
    expect(jobs.get("verify-staging")).toMatchObject({ options: "--wait 30m", requires: ["promote-staging"] });
    expect(jobs.get("propose-prod")?.requires).toEqual(["verify-staging"]);
    expect(jobs.has("verify-prod")).toBe(false);
    expect(awaited(jobs)).toContain("verify-dev");
    const { verify } = continueConfiguration({ ...shop, first, promotions }).jobs;
    expect(JSON.stringify(verify)).toContain('"no_output_timeout":"40m"');
  });

  test("what gets versions gets them after the verdict, by a job with that environment's credentials", () => {
    const versions = { hasVersions: true } as const;
    const tagged = { first: { ...first, ...versions }, promotions: [staging, { ...prod, ...versions }] };
    const jobs = jobsOf(tagged, "deliver");
    expect(jobs.get("tag-dev")).toEqual({
      name: "tag-dev",
      environment: "dev",
      context: "shop-dev",
      requires: ["verify-dev"],
    });
    expect(jobs.has("tag-staging")).toBe(false);
    expect(jobs.get("tag-prod")).toMatchObject({ context: "shop-prod", requires: ["promote-prod"] });
    expect(awaited(jobs)).toContain("tag-dev");
    expect(awaited(jobs)).not.toContain("tag-prod");
    expect(jobsOf({ first: { ...shop.first, ...versions } }, "deliver").get("tag-dev")?.requires).toEqual([
      "release-dev",
    ]);
    // A watcher of the registry says of no image which commit it was built from.
    expect(jobsOf({ ...tagged, releases: false }, "deliver").has("tag-dev")).toBe(false);
    const { tag } = continueConfiguration({ ...shop, ...tagged }).jobs;
    expect(JSON.stringify(tag)).toContain('"delivery tag --env << parameters.environment >>"');
    expect(continueConfiguration(shop).jobs).not.toHaveProperty("tag");
    const resumed = jobsOf({ ...tagged, promotions: [{ ...staging, ...versions }], resumes: true }, "resume");
    expect(resumed.get("tag-dev")?.requires).toEqual(["verify-dev"]);
    expect(resumed.get("tag-staging")?.requires).toEqual(["promote-staging"]);
  });

  test("a schedule looks once at each, and promotes what needs nobody's approval", () => {
    const jobs = jobsOf({ first, promotions, resumes: true }, "resume");
    expect([...jobs.values()]).toEqual([
      { name: "verify-dev", environment: "dev", options: "--wait 0m", context: "shop-dev" },
      { name: "verify-staging", environment: "staging", options: "--wait 0m", context: "shop-staging" },
      { name: "promote-staging", environment: "staging", context: "shop-staging", requires: ["verify-dev"] },
    ]);
  });

  test("a schedule releases what has waited for a window, before it looks, and promotes it", () => {
    const jobs = jobsOf(
      { first: { ...first, hasWindows: true }, promotions: [{ ...staging, hasWindows: true }, prod], resumes: true },
      "resume",
    );
    expect([...jobs].map(([name, { requires = [] }]) => [name, requires])).toEqual([
      ["release-dev", []],
      ["verify-dev", ["release-dev"]],
      ["release-staging", []],
      ["promote-staging", ["verify-dev"]],
    ]);
  });

  test("the schedule's parameter is there where there is a schedule alone: CircleCI refuses one that is not declared", () => {
    const declared = (resumes?: true) =>
      [setupConfiguration, continueConfiguration].map((make) =>
        Object.hasOwn(make({ ...shop, first, ...(resumes && { resumes }) }).parameters ?? {}, "resume"),
      );
    expect([declared(), declared(true)]).toEqual([
      [false, false],
      [true, true],
    ]);
    const plan = JSON.stringify(setupConfiguration({ ...shop, first, resumes: true }).jobs);
    expect(plan).toContain("--resume << pipeline.parameters.resume >>");
  });
});

test("drift is looked for in each environment, with its credentials, and is no status of a commit", () => {
  const jobs = jobsOf({}, "drift");
  expect([...jobs.values()].map(({ name, context }) => [name, context])).toEqual([
    ["drift-dev", "shop-dev"],
    ["drift-staging", "shop-staging"],
    ["drift-prod", "shop-prod"],
  ]);
});

describe("a command that makes files for an image", () => {
  const openjdk = "cimg/openjdk:21.0";
  const services = (...images: (string | undefined)[]): Pipeline["services"] =>
    images.map((image, index) => ({
      name: `s${index}`,
      serviceContainers: [],
      prepare: { command: "mvn package <<EOF", directory: `svc/s${index}`, context: "svc", image },
    }));

  test.each<[TriggerKind, builds: Record<string, object>]>([
    ["deliver", { "build-s0": { context: "shop-build", requires: ["prepare-s0"], prepared: "s0" } }],
    ["review", { "build-s0": { context: "shop-read", requires: ["prepare-s0"], prepared: "s0" } }],
    ["review-of-fork", { "build-s0": { requires: ["prepare-s0"], prepared: "s0" } }],
    ["review-with-environment", { "build-s0": { context: "shop-previews", requires: ["prepare-s0"], prepared: "s0" } }],
  ])("runs without credentials before the build of %s, and is awaited", (trigger, builds) => {
    const jobs = jobsOf({ services: services(openjdk) }, trigger);
    expect(jobs.get("prepare-s0")).toEqual({
      name: "prepare-s0",
      archive: "s0",
      within: "svc/",
      command: "export SERVICE=s0 SERVICE_DIRECTORY=svc/s0\nmvn package \\<<EOF",
      executor: "prepare-openjdk",
    });
    for (const [name, expected] of Object.entries(builds)) expect(jobs.get(name)).toMatchObject(expected);
    expect(awaited(jobs)).toEqual(expect.arrayContaining(["prepare-s0", "build-s0"]));
  });

  test("comes after the tests, too, where a watcher of the registry releases what is built", () => {
    const jobs = jobsOf({ services: services(openjdk), releases: false }, "deliver");
    expect(jobs.get("build-s0")?.requires).toEqual(["test-s0", "prepare-s0"]);
  });

  test("runs in its own image, or in that of all jobs", () => {
    const pipeline = {
      ...shop,
      services: services(openjdk, undefined, shop.image, "openjdk@sha256:0", openjdk, "maven:3"),
    };
    const images = Object.entries(continueConfiguration(pipeline).executors).map(
      ([name, { docker }]) => [name, docker.map(({ image }) => image)] as const,
    );
    expect(images).toEqual([
      ["delivery", [shop.image]],
      ["prepare-openjdk-1", [openjdk]],
      ["prepare-openjdk-2", ["openjdk@sha256:0"]],
      ["prepare-maven", ["maven:3"]],
    ]);
    const jobs = jobsOf(pipeline, "deliver");
    const used = pipeline.services.map(({ name }) => jobs.get(`prepare-${name}`)?.["executor"]);
    expect(used).toEqual([
      "prepare-openjdk-1",
      undefined,
      undefined,
      "prepare-openjdk-2",
      "prepare-openjdk-1",
      "prepare-maven",
    ]);
  });

  test("of services that share a job is run one after the other, in the same image, and all is handed over", () => {
    const many = Array.from({ length: 3000 }, (_, index) => (index % 2 === 0 ? openjdk : undefined));
    const jobs = jobsOf({ services: services(...many), appDirectory: "shop" }, "review");
    const prepared = [...jobs].filter(([name]) => name.startsWith("prepare-"));
    expect(new Set(prepared.map(([, { executor }]) => executor))).toEqual(new Set(["prepare-openjdk", undefined]));
    const commands = prepared.map(([, { command }]) => String(command)).join("\n");
    expect(commands.split("\n").filter((line) => line.startsWith("export SERVICE="))).toHaveLength(3000);
    expect(prepared[0]?.[1]).toMatchObject({
      within: "shop/",
      command: expect.stringMatching(
        /^\(\nexport SERVICE=s0 SERVICE_DIRECTORY=svc\/s0\nmvn package \\<<EOF\n\)\n\(\nexport SERVICE=s2 /,
      ),
    });
    for (const [name, { requires = [], prepared: archives }] of jobs) {
      if (!name.startsWith("build-")) continue;
      expect(
        String(archives)
          .split(" ")
          .map((archive) => `prepare-${archive}`),
      ).toEqual(requires);
      expect(requires.every((required) => typeof required === "string" && jobs.has(required))).toBe(true);
    }
  });

  test("leaves the configuration of others as it is", () => {
    expect(JSON.stringify(continueConfiguration(shop))).not.toMatch(/prepared|prepare-/);
  });
});

test("a builder for several platforms is set up only where an image is for several", () => {
  const named = (pipeline: Pipeline): string[] =>
    Object.entries(continueConfiguration(pipeline).jobs).flatMap(([job, { steps }]) =>
      JSON.stringify(steps).includes("binfmt") ? [job] : [],
    );
  expect(named(shop)).toEqual([]);
  expect(named({ ...shop, emulated: true })).toEqual(["build", "build-only"]);
});

describe("a problem", () => {
  test("fails the status whatever the jobs come to, and is no parameter of CircleCI", () => {
    const jobs = jobsOf({ services: [] }, "deliver", "line 1 is << parameters.x >>");
    expect(jobs.get("delivery")).toEqual({ problem: "line 1 is \\<< parameters.x >>" });
  });

  test("with which nothing can be planned makes a pipeline that only says so", () => {
    const configuration = failedConfiguration("stacks/Pulumi.dev.yaml: app: missing");
    expect(configurationProblems(configuration)).toEqual([]);
    expect(configuration.workflows).toEqual({
      failed: { jobs: [{ delivery: { problem: "stacks/Pulumi.dev.yaml: app: missing" } }] },
    });
  });
});

describe("service containers of tests", () => {
  const executorsOf = (...services: Pipeline["services"]): [string, number][] =>
    Object.entries(continueConfiguration({ ...shop, services }).executors).map(([name, { docker }]) => [
      name,
      docker.length,
    ]);
  const redis = [...postgres, { image: "redis:8-alpine" }];

  test("are there for those that need them, and shared by those that need the same", () => {
    expect(
      executorsOf(
        { name: "a", serviceContainers: postgres },
        { name: "b", serviceContainers: [] },
        { name: "c", serviceContainers: postgres },
      ),
    ).toEqual([
      ["delivery", 1],
      ["with-postgres", 2],
    ]);
  });

  test("are told apart by what they are, and by service where they differ in settings alone", () => {
    const other = [{ image: "cimg/postgres:16.9" }];
    expect(
      executorsOf(
        { name: "a", serviceContainers: postgres },
        { name: "b", serviceContainers: redis },
        { name: "c", serviceContainers: other },
      ),
    ).toEqual([
      ["delivery", 1],
      ["with-postgres-for-a", 2],
      ["with-postgres-redis", 3],
      ["with-postgres-for-c", 2],
    ]);
  });
});

test.each([
  [
    [{ image: "cimg/postgres:17.5" }, { image: "redis@sha256:0" }],
    [5432, 6379],
  ],
  [
    [{ image: "registry.example:5000/mysql" }, { image: "cimg/postgres:17.5", port: 5433 }],
    [3306, 5433],
  ],
  [[{ image: "example/search:1" }], []],
])("tests wait for the ports of %j", (serviceContainers, ports) => {
  expect(servicePorts({ name: "link", serviceContainers })).toEqual(ports);
});

test.each([1, 500])("%i services make a valid configuration, with a line for each job", (count) => {
  const names = Array.from({ length: count }, (_, index) => `service-${index}`);
  const services = names.map((name, index) => ({ name, serviceContainers: index % 3 === 0 ? postgres : [] }));
  const configuration = continueConfiguration({ ...shop, services }, { trigger: "deliver" });
  expect(configurationProblems(configuration)).toEqual([]);
  expect(Object.keys(configuration.jobs)).toEqual(Object.keys(continueConfiguration(shop).jobs));
  const lines = render(configuration, "").split("\n");
  expect(lines.filter((line) => /^ +- test: \{ name: test-service-\d+, service: service-\d+/.test(line))).toHaveLength(
    count,
  );
  expect(lines.filter((line) => /^ +- build: \{ name: build-service-\d+, /.test(line))).toHaveLength(count);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(130);
});

describe("what jobs keep for other jobs, of whatever branch", () => {
  const services = [
    { name: "link", serviceContainers: postgres, testImage: "cimg/rust:1.90", testScript: "cargo test" },
    { name: "user", serviceContainers: [], prepare: { command: "make", directory: "svc/user", context: "." } },
  ];
  const all = continueConfiguration({ ...shop, services, emulated: true });
  const configurations = [all, setupConfiguration(shop)];
  const usesOf = ({ jobs, workflows }: CircleConfig, job: string): Invocation[] => {
    expect(jobs[job]).toBeDefined();
    return Object.values(workflows).flatMap((workflow) =>
      workflow.jobs
        .flatMap((call) => (typeof call === "string" ? [] : Object.entries(call)))
        .flatMap(([name, invocation]) => (name === job ? [invocation] : [])),
    );
  };

  test("is no cache of CircleCI's: every branch can write any key of it, and any path", () => {
    for (const { jobs, commands } of configurations)
      expect(JSON.stringify([jobs, commands])).not.toMatch(/(save|restore)_cache/);
  });

  test.each(Object.keys(all.jobs))(
    "are layers of Docker only in a job without credentials but those of every branch: %s",
    (job) => {
      const keeps = JSON.stringify(all.jobs[job]).includes('"docker_layer_caching":true');
      const hasCredentials = usesOf(all, job).some(
        ({ context }) => context !== undefined && context !== shop.contexts.read,
      );
      expect([job, keeps, hasCredentials]).toEqual([job, job === "build-only", hasCredentials && job !== "build-only"]);
    },
  );

  test("are no packages that run a script when they are installed", () => {
    for (const { commands } of configurations) {
      const installs = JSON.stringify(commands).match(/npm (ci|install)[^\\]*/g) ?? [];
      expect(installs).toHaveLength(1);
      expect(installs[0]).toContain("--ignore-scripts");
    }
    expect(JSON.stringify(configurations)).not.toMatch(/\|\s*(ba)?sh\b/);
  });

  test("is nothing that is run with more rights than the job, but what is named by its digest", () => {
    expect(JSON.stringify(all)).toMatch(/docker run --privileged --rm \S+@sha256:[0-9a-f]{64} --install all/);
  });
});

test("the lock file has the hash of every package that jobs install", () => {
  const lock: { packages: Record<string, { link?: boolean; integrity?: string; resolved?: string }> } = JSON.parse(
    readFileSync("package-lock.json", "utf8"),
  );
  const installed = Object.entries(lock.packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);
  expect(installed.length).toBeGreaterThan(100);
  expect(
    installed.filter(([, { integrity }]) => integrity?.startsWith("sha512-") !== true).map(([path]) => path),
  ).toEqual([]);
});

test("what a job takes over from another may be none of what this program consists of", () => {
  const tracked = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" }).split("\0");
  const top = new Set(tracked.flatMap((path) => path.split("/")[0] || []));
  const run = [...top].filter(
    (name) => !/^(\.ci|\.gitignore|\.ox.*|README\.md|bench|docs|examples|findings|sandbox|test|vitest.*)$/.test(name),
  );
  expect([...programEntries].toSorted()).toEqual([...run, "node_modules", ownRulesDirectory].toSorted());
});

describe("services that are too many for jobs of their own", () => {
  const services = Array.from({ length: 3000 }, (_, index) => ({
    name: `service-${index}`,
    serviceContainers: index % 3 === 0 ? postgres : [],
    // Chains of three images.
    bases: index % 3 === 0 ? [] : [`service-${index - 1}`],
  }));
  const argumentsOf = (jobs: ReadonlyMap<string, Invocation>, kind: string): (readonly [string, string[]])[] =>
    [...jobs]
      .filter(([name]) => name.startsWith(kind))
      .map(([name, call]) => [name, String(Object(call).service).split(" --service ")]);

  test.each<[trigger: TriggerKind, releases: boolean]>([
    ["deliver", true],
    ["deliver", false],
    ["review", true],
    ["review-with-environment", true],
  ])("share them (%s, released by CI: %s)", (trigger, releases) => {
    const jobs = jobsOf({ services, releases }, trigger);
    expect(isWithinLimits(continueConfiguration({ ...shop, services, releases }, { trigger }))).toBe(true);
    expect(jobs.size).toBeLessThan(4000);
    for (const kind of ["test", "build"])
      expect(
        argumentsOf(jobs, kind)
          .flatMap(([, names]) => names)
          .toSorted(),
      ).toEqual(services.map(({ name }) => name).toSorted());
    expect(new Set(awaited(jobs))).toEqual(
      new Set([...jobs.keys()].filter((name) => !/^(delivery|approve-prod|(promote|publish-state)-prod)$/.test(name))),
    );
  });

  test("only with those whose tests need the same containers, and after the images that theirs are made from", () => {
    const jobs = jobsOf({ services, releases: false }, "deliver");
    const number = (name: string): number => Number(name.split("-")[1]);
    for (const [name, names] of argumentsOf(jobs, "test")) {
      expect(new Set(names.map((one) => number(one) % 3 === 0)).size).toBe(1);
      expect(Object(jobs.get(name)).executor).toBe(number(names[0] ?? "") % 3 === 0 ? "with-postgres" : undefined);
    }
    const builds = argumentsOf(jobs, "build");
    const jobWith = (all: typeof builds, service: string): string | undefined =>
      all.find(([, names]) => names.includes(service))?.[0];
    for (const [name, names] of builds.slice(0, 20)) {
      const before = names.flatMap((one) => (number(one) % 3 === 0 ? [] : [`service-${number(one) - 1}`]));
      const tests = argumentsOf(jobs, "test");
      expect(new Set(jobs.get(name)?.requires)).toEqual(
        new Set([...names.map((one) => jobWith(tests, one)), ...before.map((one) => jobWith(builds, one))]),
      );
      expect(Object(jobs.get(name)).based).toBe(before.length === 0 ? undefined : true);
    }
  });

  test("hand their digests over and report as the job", () => {
    const { build, test: tested } = continueConfiguration({ ...shop, services }).jobs;
    expect(JSON.stringify(build)).toContain('/digests\\"/<< parameters.job >>.json');
    expect(build?.steps).toContainEqual({
      persist_to_workspace: { root: "../handed-over", paths: ["digests/<< parameters.job >>.json"] },
    });
    for (const job of [build, tested]) expect(job?.steps).toContainEqual({ report: { job: "<< parameters.job >>" } });
  });
});

describe("the setup configuration", () => {
  const plan = (pipeline: Partial<Pipeline> = {}): CircleConfig => setupConfiguration({ ...shop, ...pipeline });

  test("runs one job, without credentials for a fork, which goes on with the rest", () => {
    expect(configurationProblems(plan())).toEqual([]);
    expect(plan()).toMatchObject({ setup: true });
    const fork = "pipeline.git.branch matches /^pull\\/[0-9]+$/";
    expect(plan().workflows["plan"]?.jobs).toEqual([
      { plan: { context: "shop-read", filters: `pipeline.git.branch matches /^.+$/ and not (${fork})` } },
      { plan: { name: "plan-of-fork", filters: fork } },
    ]);
    expect(JSON.stringify(plan().jobs)).toContain("delivery ci-config --env dev --continue");
  });

  test("takes a program in a directory of the repository from there, with its own packages", () => {
    const text = render(plan({ layout: { program: "deploy" } }), "");
    expect(text).toContain('cmp -s "$installed/package-lock.json" deploy/package-lock.json');
    expect(text).toContain("npm ci --prefix deploy --ignore-scripts ");
    expect(text).toContain("cd '$PWD/deploy' && node cli/delivery.js");
  });

  test("takes a program in a directory whose name is several words", () => {
    const layout = { program: "my tools/delivery" };
    expect(configurationProblems(plan({ layout }))).toEqual([]);
    const text = render(plan({ layout }), "");
    expect(text).toContain("rm -rf 'my tools/delivery/node_modules' && mkdir 'my tools/delivery/node_modules'");
    expect(text).toContain("npm ci --prefix 'my tools/delivery' --ignore-scripts ");
  });

  test("fetches the submodules of a source that has some, right after the checkout", () => {
    const prepare = plan({ layout: { program: ".", submodules: true } }).commands?.["prepare"];
    expect(prepare?.steps.slice(0, 2)).toEqual([
      "checkout",
      {
        run: {
          name: "Fetch the submodules",
          command: "git submodule update --init --recursive",
          max_auto_reruns: 2,
          auto_rerun_delay: "10s",
        },
      },
    ]);
    expect(JSON.stringify(plan())).not.toContain("submodule");
  });

  test("clones a program of another repository beside the source", () => {
    const clone = { repository: "https://github.com/acme/delivery.git", ref: "v1", directory: "../delivery" };
    const layout = { program: "../delivery", clone, workingDirectory: "~/shop" };
    expect(configurationProblems(plan({ layout }))).toEqual([]);
    const text = render(plan({ layout }), "");
    expect(text).toContain("working_directory: ~/shop");
    expect(text).toContain('git clone --filter=blob:none "https://github.com/acme/delivery.git" "../delivery"');
    expect(text).toContain('git -C "../delivery" checkout "v1"');
    expect(text).toContain("npm ci --prefix ../delivery --ignore-scripts ");
  });
});
