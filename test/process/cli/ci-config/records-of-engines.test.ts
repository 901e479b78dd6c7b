import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { continueConfiguration } from "../../../../cli/ci-config/circleci/configuration.ts";
import type { Pipeline } from "../../../../cli/ci-config/pipeline.ts";
import { pipelineRun } from "../../../../cli/ci-config/tekton/runs.ts";
import { travis } from "../../../../cli/ci-config/travis/travis.ts";
import type { Command } from "../../../../cli/command.ts";
import { command as release } from "../../../../cli/commands/release.ts";
import { command as verify } from "../../../../cli/commands/verify.ts";
import { initialRecord, recordPath, recordWith } from "../../../../git/release-record.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";
import { runningService } from "../../../support/sample-running-service.ts";
import { samplePipeline } from "../../../support/sample-pipeline.ts";
import { writeStackSettings } from "../../../support/stack-settings.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const before = `sha256:${"1".repeat(64)}`;
const built = { link: `sha256:${"2".repeat(64)}`, user: `sha256:${"3".repeat(64)}` };
const pipeline: Pipeline = {
  ...samplePipeline,
  first: { ...samplePipeline.first, verifyWait: 15 },
  services: ["link", "user"].map((name) => ({ name, serviceContainers: [] })),
};

/** What an engine runs, and the variables that a job of its finds. */
interface Engine {
  /** All that its jobs run, as text. */
  readonly text: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where the run can be looked at. */
  readonly link: string;
}

function circleCi(): Engine {
  const { jobs } = continueConfiguration(pipeline);
  const scripts = [jobs["release"], jobs["verify"]].flatMap((job) => job?.steps ?? []);
  return {
    text: scripts
      .flatMap((step) => (typeof step === "object" && "run" in step ? [Object(step.run).command] : []))
      .join("\n")
      .replaceAll("<< parameters.environment >>", "dev")
      .replaceAll("<< parameters.options >>", "--wait 15m"),
    environment: {
      CIRCLE_SHA1: commit,
      CIRCLE_BRANCH: "main",
      CIRCLE_BUILD_NUM: "41",
      CIRCLE_BUILD_URL: "https://ci.example/41",
    },
    link: "https://ci.example/41",
  };
}

function travisCi(): Engine {
  const [file] = travis.files(pipeline);
  const environment = {
    TRAVIS: "true",
    TRAVIS_BRANCH: "main",
    TRAVIS_BUILD_NUMBER: "7",
    TRAVIS_BUILD_WEB_URL: "https://travis.example/builds/7",
    TRAVIS_COMMIT: commit,
    TRAVIS_PULL_REQUEST: "false",
    TRAVIS_PULL_REQUEST_SHA: "",
  };
  return { text: (file?.text ?? "").replaceAll(/^ +/gm, ""), environment, link: environment.TRAVIS_BUILD_WEB_URL };
}

function tekton(): Engine {
  const source = {
    repository: "https://github.com/acme/shop",
    commit,
    branch: "main",
    secret: "checkout",
    values: { commit, number: "1796083200", pullRequest: "0" },
  };
  const steps = pipelineRun("deliver", pipeline, source)
    .spec.pipelineSpec.tasks.filter(({ name }) => ["release-dev", "verify-dev"].includes(name))
    .flatMap(({ taskSpec }) => taskSpec.steps);
  const variables = steps.flatMap(({ env = [] }) => env.filter(({ name }) => name.startsWith("DELIVERY_")));
  return {
    text: steps.map(({ script }) => script).join("\n"),
    environment: Object.fromEntries(
      variables.map(({ name, value }) => [
        name,
        // Tekton fills them in when the pod starts.
        value
          .replace("$(context.taskRun.namespace)", "shop-ci-deliver")
          .replace("$(context.taskRun.name)", "deliver-x1"),
      ]),
    ),
    link: "urn:tekton:shop-ci-deliver/deliver-x1",
  };
}

let directory: string;
let repository: BareRepository;
let cluster: KubernetesStandIn;
const program = process.cwd();

beforeEach(async () => {
  // A verdict says when it came; Git's own commits have the real time, and are before it.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 300_000 });
  directory = mkdtempSync(join(tmpdir(), "records-of-engines-"));
  const source = join(directory, "source");
  for (const service of ["link", "user"]) {
    mkdirSync(join(source, "svc", service), { recursive: true });
    writeFileSync(join(source, "svc", service, "Dockerfile"), "FROM scratch\nEXPOSE 8080\n");
  }
  mkdirSync(join(source, "stacks"));
  writeStackSettings(source, "dev", {
    schemaVersion: 2,
    app: { name: "shop", directory: "." },
    images: { organization: "acme", username: "acme-ci", source: "registry" },
    ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
    gitops: { repository: "https://git.example/acme/deploy.git" },
    verify: {},
  });
  mkdirSync(join(directory, "handed-over", "digests"), { recursive: true });
  for (const [service, digest] of Object.entries(built))
    writeFileSync(join(directory, "handed-over", "digests", `${service}.json`), JSON.stringify({ [service]: digest }));
  process.chdir(source);
  cluster = await KubernetesStandIn.start();
  cluster.writeKubeconfig(join(directory, "kubeconfig"));
});
afterEach(async () => {
  vi.useRealTimers();
  process.chdir(program);
  rmSync(directory, { recursive: true });
  await cluster[Symbol.asyncDispose]();
});

/** What bash makes of a command of the delivery CLI in an engine's text. */
function argumentsOf(command: string, { text, environment }: Engine): string[] {
  const [line = ""] = new RegExp(`^delivery ${command} (?:.*\\\\\\n)*.*$`, "m").exec(text) ?? [];
  const script = `delivery() { shift; printf '%s\\0' "$@"; }\n${line}`;
  const printed = execFileSync("bash", ["-ec", script], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return printed.toString().split("\0").slice(0, -1);
}

async function run(command: Command, args: readonly string[], { environment }: Engine): Promise<void> {
  await command.run(["--repository", repository.url, ...args], {
    environment: { PATH: process.env["PATH"], KUBECONFIG: join(directory, "kubeconfig"), ...environment },
    print: () => undefined,
    note: () => undefined,
    input: async () => "",
    signal: new AbortController().signal,
  });
}

/** All files of the deploy repository, and what its commits say, after a run that released and verified. */
async function outcome(engine: Engine): Promise<{ files: Record<string, string>; messages: string }> {
  repository = new BareRepository();
  using _repository = repository;
  const records = {
    link: recordWith({ repository: "docker.io/acme/shop-link", digest: before }),
    user: initialRecord("user"),
  };
  repository.commit(
    Object.fromEntries(Object.entries(records).map(([service, text]) => [recordPath("dev", service), text])),
  );
  await run(release, [...argumentsOf("release", engine), "--unverified"], engine);
  const since = new Date(Date.now()).toISOString();
  const services = Object.entries(built).map(([service, digest]) => runningService(service, digest, since));
  const lists = { applications: "application", deployments: "deployment", pods: "pod" } as const;
  const paths = {
    applications: "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications",
    deployments: "/apis/apps/v1/namespaces/shop-dev/deployments",
    pods: "/api/v1/namespaces/shop-dev/pods",
  };
  for (const kind of ["applications", "deployments", "pods"] as const)
    cluster.lists.set(
      paths[kind],
      services.map((service) => service[lists[kind]]),
    );
  await run(verify, argumentsOf("verify", engine), engine);
  return { files: { ...repository.files() }, messages: repository.git("log", "--format=%B") };
}

test("whichever engine releases a commit and verifies it, the records are the same to the byte, but for the run's link", async () => {
  const engines = { circleci: circleCi(), tekton: tekton(), travis: travisCi() };
  const first = await outcome(engines.circleci);
  const record = first.files[recordPath("dev", "link")] ?? "";
  expect(record).toContain(built.link);
  expect(record).toContain(`delivery/source-commit: "${commit}"`);
  expect(record).toContain('delivery/verification: "passed"');
  expect(record).toContain(`delivery/verification-link: "${engines.circleci.link}"`);
  for (const engine of [engines.tekton, engines.travis]) {
    const { files, messages } = await outcome(engine);
    expect(files[recordPath("dev", "link")]).toContain(`delivery/verification-link: "${engine.link}"`);
    const withoutLink = (text: string): string => text.replaceAll(engine.link, engines.circleci.link);
    const same = Object.fromEntries(Object.entries(files).map(([path, text]) => [path, withoutLink(text)]));
    expect([engine.link, same, withoutLink(messages)]).toEqual([engine.link, first.files, first.messages]);
  }
});
