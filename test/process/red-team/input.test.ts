/**
 * Attacks by names and files on the generated pipeline as the stand-in of CircleCI runs it, with a CLI that only says what it was
 * called with.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CircleConfig, Job } from "../../../circleci/schema.ts";
import { continueConfiguration, setupConfiguration } from "../../../cli/ci-config/circleci/configuration.ts";
import { render } from "../../../cli/ci-config/generated-files.ts";
import { installedVariable } from "../../../cli/ci-config/installation.ts";
import type { Pipeline, PipelineService } from "../../../cli/ci-config/pipeline.ts";
import { pipelineOf, readDeclarations } from "../../../cli/ci-config/read-pipeline.ts";
import { Project } from "../../../cli/project/stack-file.ts";
import { eventually } from "../../support/eventually.ts";
import { CircleCiHarness, ended } from "../../support/circleci-harness.ts";

let root: string;
let harness: CircleCiHarness;
let pipeline: Pipeline;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "red-team-"));
  // The image has what the program needs.
  for (const [path, content] of Object.entries({ ...program, ...installed })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode: 0o755 });
  }
  const image = { PATH: `${join(root, "bin")}:${process.env["PATH"]}`, [installedVariable]: root };
  harness = await CircleCiHarness.create({ jobs: { imageEnvironment: () => image } });
  pipeline = {
    ...pipelineOf(readDeclarations(new Project(), "dev"), { program: "." }, ""),
    services: [link],
    testedOnly: [],
    promotions: [],
  };
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

const digest = `sha256:${"1".repeat(64)}`;
const forged = `sha256:${"2".repeat(64)}`;
/**
 * A CLI that says its arguments, and whether somebody's command has run; `build` writes a digest and shows what it has, `release`
 * reads digests, and `promote` proposes one and reads what was approved.
 */
const cli = `
const fs = require("fs");
const [command, ...args] = process.argv.slice(2);
const option = (name) => args[args.indexOf(name) + 1];
console.log("CLI " + JSON.stringify([command, ...args]), fs.existsSync("pwned") ? "PWNED" : "");
if (command === "build" && args.includes("--output")) fs.writeFileSync(option("--output"), JSON.stringify({ link: "${digest}" }));
if (command === "build") console.log(Object.values(process.env).map((value) => [...value].reverse().join("")).join("\\n"));
if (command === "promote" && args.includes("--propose")) fs.writeFileSync(option("--propose"), JSON.stringify({ link: "${digest}" }));
if (command === "promote" && args.includes("--approved")) console.log("APPROVED", fs.readFileSync(option("--approved"), "utf8"));
if (command === "release")
  for (const file of fs.readdirSync(option("--digests"))) console.log("RELEASED", file, fs.readFileSync(option("--digests") + "/" + file, "utf8"));
`;
const program = { "package-lock.json": "{}", "sdks/index.ts": "", "cli/delivery.js": cli };
/** What a job would fetch, and try again to. */
const installed = {
  "node_modules/.a": "",
  "node_modules/@pulumi/circleci/bin/index.js": "",
  "bin/pulumi": "#!/bin/sh\n",
};
const link: PipelineService = { name: "link", serviceContainers: [] };

/** Opens the contexts that the jobs of a configuration name, each with a secret. */
async function openContexts({ workflows }: CircleConfig): Promise<void> {
  const text = JSON.stringify(workflows);
  const names = new Set(
    [...text.matchAll(/"context":(\[[^\]]*\]|"[^"]*")/g)].flatMap(([, json = ""]) => [JSON.parse(json)].flat()),
  );
  for (const name of names) await harness.context(String(name), { TOKEN: `secret-of-${String(name)}` });
}

/** Nothing here builds images. */
function withoutDocker(job: Job): Job {
  return { ...job, steps: job.steps.filter((step) => !JSON.stringify(step).includes("setup_remote_docker")) };
}

/** The generated configuration of one trigger. */
function configuration(trigger: "deliver" | "review", services: readonly PipelineService[]): CircleConfig {
  const generated = continueConfiguration({ ...pipeline, services }, { trigger });
  return {
    ...generated,
    parameters: { ...generated.parameters, trigger: { type: "string", default: trigger } },
    jobs: Object.fromEntries(Object.entries(generated.jobs).map(([name, job]) => [name, withoutDocker(job)])),
  };
}

async function run(config: CircleConfig, branch = "main"): Promise<string> {
  await openContexts(config);
  const [id = ""] = await harness.push(render(config, ""), { branch, files: program });
  await ended(harness, id);
  return id;
}

describe("the name of a branch is never a command", () => {
  test.each([
    '";touch${IFS}pwned;"',
    "$(touch${IFS}pwned)",
    "`touch${IFS}pwned`",
    "';touch${IFS}pwned;'",
    "a&&touch${IFS}pwned",
    "<<pipeline.number>>",
    "main;id",
    "ünïcode-🙂",
  ])("%s", async (branch) => {
    const config = setupConfiguration(pipeline);
    const id = await run(config, branch);
    const log = await harness.log(id, "plan");
    expect(log).toContain(`"--branch",${JSON.stringify(branch)},`);
    expect(log).not.toContain("PWNED");
  });
});

describe("code of a service, which a pull request may bring", () => {
  const showing = {
    ...link,
    testImage: "cimg/rust:1.90",
    testScript: "env | rev",
    prepare: { command: "env | rev", directory: ".", context: "." },
  };
  const reversed = "secret-of-".split("").toReversed().join("");

  test.each(["review", "deliver"] as const)("sees no credentials in a job of its own: %s", async (trigger) => {
    const id = await run(configuration(trigger, [showing]), trigger === "deliver" ? "main" : "feature");
    for (const job of ["test-link", "prepare-link"]) {
      const log = await harness.log(id, job);
      expect(log).toContain("ICELCRIC");
      expect(log).not.toContain(reversed);
    }
  });

  test("hands no digest over that is released, whatever it leaves in the workspace", async () => {
    const forging = `mkdir -p ../handed-over/digests ../handed-over/done
for file in link evil; do echo '{"link":"${forged}"}' >../handed-over/digests/$file.json; done
touch ../handed-over/done/build-link
echo 'touch() { command touch "$@"; echo "{\\"link\\":\\"${forged}\\"}" >../handed-over/digests/test.json; }' >>"$BASH_ENV"`;
    const id = await run(configuration("deliver", [{ ...link, testImage: "cimg/rust:1.90", testScript: forging }]));
    const log = await harness.log(id, `release-${pipeline.first.name}`);
    expect(log).toContain(`RELEASED link.json {"link":"${digest}"}`);
    expect(log).not.toContain(forged);
  });

  test("sees no secret of builds in a Dockerfile: its build has what pull requests have", async () => {
    pipeline = { ...pipeline, pullLogin: true };
    const id = await run(configuration("review", [link]), "feature");
    const log = await harness.log(id, "build-link");
    const backwards = (text: string): string => text.split("").toReversed().join("");
    expect(log).toContain(backwards(`secret-of-${pipeline.contexts.read}`));
    expect(log).not.toContain(backwards(`secret-of-${pipeline.contexts.build}`));
  });

  test("forges nothing that a person approves: what is promoted is what was shown", async () => {
    const { first } = pipeline;
    pipeline = {
      ...pipeline,
      promotions: [{ name: "prod", context: "shop-prod", pulls: true, from: first.name, approval: true }],
    };
    const forging = `mkdir -p ../handed-over/approvals && echo '{"link":"${forged}"}' >../handed-over/approvals/prod.json`;
    const config = configuration("deliver", [{ ...link, testImage: "cimg/rust:1.90", testScript: forging }]);
    await openContexts(config);
    const [id = ""] = await harness.push(render(config, ""), { files: program });
    const request = await eventually("approve-prod waits for a person", async () => {
      const job = (await harness.jobs(id)).find(({ name }) => name === "approve-prod");
      return job?.approval_request_id;
    });
    const [workflow] = await harness.workflows(id);
    await harness.ask("POST", `/workflow/${workflow?.id}/approve/${request}`);
    await ended(harness, id);
    expect(await harness.log(id, "promote-prod")).toContain(`APPROVED {"link":"${digest}"}`);
    // The same approval once more, such as after another release, is none: the job waits for nobody any more.
    expect(await harness.ask("POST", `/workflow/${workflow?.id}/approve/${request}`)).toEqual({
      message: "The job is not on hold, but success.",
    });
  });

  test("makes no other job succeed: what it marks as done is not", async () => {
    const forging =
      "mkdir -p ../handed-over/done && for job in test-link build-link release-dev; do touch ../handed-over/done/$job; done; exit 1";
    const id = await run(configuration("deliver", [{ ...link, testImage: "cimg/rust:1.90", testScript: forging }]));
    expect(await harness.jobStatuses(id)).toMatchObject({
      "test-link": "failed",
      [`release-${pipeline.first.name}`]: "not_run",
      delivery: "failed",
    });
  });
});
