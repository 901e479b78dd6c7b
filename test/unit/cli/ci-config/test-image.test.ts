import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { configurationProblems } from "../../../../circleci/references.ts";
import type { Invocation } from "../../../../circleci/schema.ts";
import { continueConfiguration } from "../../../../cli/ci-config/circleci/configuration.ts";
import type { Pipeline, PipelineService, TriggerKind } from "../../../../cli/ci-config/pipeline.ts";
import { pipelineOf, type KnownPipeline } from "../../../../cli/ci-config/read-pipeline.ts";
import { testScript, withVariables } from "../../../../cli/ci-config/test-image.ts";
import type { ServiceSettings } from "../../../../components/service/service.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

const rust = "cimg/rust:1.80";
const redis = [{ image: "cimg/redis:7.2" }];

/** The pipeline of services of a monorepo with these tests. */
function pipelineWith(tests: Readonly<Record<string, ServiceSettings["test"]>>): Pipeline {
  const names = Object.keys(tests);
  using sample = new SampleMonorepo(
    Object.fromEntries(names.map((name) => [`svc/${name}/Dockerfile`, "FROM scratch\n"])),
  );
  const monorepo = sample.monorepo(
    "app",
    Object.fromEntries(names.map((name) => [name, tests[name] === undefined ? {} : { test: tests[name] }])),
  );
  const settings = { ci: { image: "cimg/node:24.11" }, delivery: "gitops", gitops: undefined, github: undefined };
  const declarations = {
    chain: { first: { name: "dev", context: "shop-dev" }, promotions: [] },
    monorepo,
    settings,
    // Of the settings, the pipeline takes no more than these.
  } as unknown as KnownPipeline;
  return pipelineOf(declarations, { program: "." }, "");
}

function jobsOf(pipeline: Pipeline, trigger: TriggerKind): Map<string, readonly [job: string, Invocation]> {
  const configuration = continueConfiguration(pipeline, { trigger });
  expect(configurationProblems(configuration)).toEqual([]);
  return new Map(
    (configuration.workflows[trigger]?.jobs ?? []).map((call) => {
      const [job, invocation]: [string, Invocation] =
        typeof call === "string" ? [call, {}] : (Object.entries(call)[0] ?? ["", {}]);
      return [invocation.name ?? job, [job, invocation]] as const;
    }),
  );
}

test("a command is run by itself in the image that the service names, and everything else by this program", () => {
  const pipeline = pipelineWith({
    own: { image: rust, command: "cargo test <<< x", env: { RUST_LOG: "it's on" } },
    finds: { image: "cimg/go:1.26-node" },
    plain: { image: "cimg/node:24.11", command: "true" },
    stored: { image: rust, command: "true", services: redis },
    usual: undefined,
  });
  const jobs = jobsOf(pipeline, "deliver");
  expect(jobs.get("test-own")).toEqual([
    "test-in-image",
    {
      name: "test-own",
      tested: "own",
      command: "export RUST_LOG='it'\\''s on'\ncargo test \\<<< x",
      executor: "test-in-rust",
    },
  ]);
  expect(jobs.get("test-finds")).toEqual(["test", { name: "test-finds", service: "finds", executor: "test-in-go" }]);
  expect(jobs.get("test-plain")).toEqual(["test", { name: "test-plain", service: "plain" }]);
  expect(jobs.get("test-stored")?.[1]).toMatchObject({ executor: "test-in-rust-with-redis", ports: "6379" });
  const { executors } = continueConfiguration(pipeline);
  expect(Object.entries(executors).map(([name, { docker }]) => [name, docker.map(({ image }) => image)])).toEqual([
    ["delivery", ["cimg/node:24.11"]],
    ["test-in-go", ["cimg/go:1.26-node"]],
    ["test-in-rust", [rust]],
    ["test-in-rust-with-redis", [rust, "cimg/redis:7.2"]],
  ]);
});

test.each<TriggerKind>(["deliver", "review", "review-of-fork", "review-with-environment"])(
  "what says that nothing tests it is built in %s without a test",
  (trigger) => {
    const jobs = jobsOf(pipelineWith({ link: "none", user: undefined }), trigger);
    expect([...jobs.keys()].filter((name) => /^(test|build)-/.test(name))).toEqual([
      "test-user",
      "build-link",
      "build-user",
    ]);
  },
);

test("a watcher of the registry gets the image of what nothing tests at once", () => {
  const jobs = jobsOf({ ...pipelineWith({ link: "none" }), releases: false }, "deliver");
  expect(jobs.get("build-link")?.[1].requires).toBeUndefined();
});

test("all tests of services that share a job are run, each with its own variables, and those that fail are named", () => {
  const service = (name: string, script: string): PipelineService => ({
    name,
    serviceContainers: [],
    testScript: withVariables({ WHO: `${name}'s` }, script),
  });
  const run = (...scripts: string[]) => {
    const services = scripts.map((script, index) => service(`s${index}`, script));
    const command = testScript({ name: "1-of-2", services });
    const { status, stdout } = spawnSync("bash", ["-eo", "pipefail", "-c", command], { encoding: "utf8" });
    return [status, stdout];
  };
  expect(run('echo "$WHO"')).toEqual([0, "s0's\n"]);
  expect(run("exit 3")).toEqual([3, ""]);
  expect(run("true", 'echo "$WHO"')).toEqual([0, "── s0\n── s1\ns1's\n"]);
  expect(run("false | cat; echo no", "echo yes", "exit 2")).toEqual([
    1,
    "── s0\n── s1\nyes\n── s2\nThe tests failed of: s0 s2\n",
  ]);
});

test("hundreds of services in the same image share jobs, apart from those that this program tests", () => {
  const services = Array.from({ length: 3000 }, (_, index): PipelineService => {
    const own = index % 2 === 0;
    return {
      name: `s${index}`,
      serviceContainers: [],
      testImage: rust,
      ...(own ? { testScript: `cargo test -p s${index}` } : {}),
    };
  });
  const jobs = jobsOf({ ...pipelineWith({ x: undefined }), services }, "review-of-fork");
  const tested = [...jobs].filter(([name]) => name.startsWith("test-")).map(([, call]) => call);
  expect(new Set(tested.map(([job]) => job))).toEqual(new Set(["test", "test-in-image"]));
  const commands = tested.map(([, { command = "" }]) => String(command)).join("\n");
  expect(commands.match(/cargo test -p s\d+'/g)).toHaveLength(1500);
});
