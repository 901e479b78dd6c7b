import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CircleConfig, Job } from "../../../../circleci/schema.ts";
import { continueConfiguration } from "../../../../cli/ci-config/circleci/configuration.ts";
import { render } from "../../../../cli/ci-config/generated-files.ts";
import type { Pipeline, PipelineService } from "../../../../cli/ci-config/pipeline.ts";
import { prepareParameters } from "../../../../cli/ci-config/prepare-image.ts";
import { CircleCiHarness, ended } from "../../../support/circleci-harness.ts";
import { samplePipeline } from "../../../support/sample-pipeline.ts";

let harness: CircleCiHarness;
beforeEach(async () => {
  harness = await CircleCiHarness.create();
});
afterEach(() => harness[Symbol.asyncDispose]());

/** What the build of the image would see: all that is not as in the commit. */
const shown = "git status --porcelain --ignored --untracked-files=all | sort; cat svc/a/target/a.jar";

/** The generated jobs that prepare and build one service, with an image builder that only shows what it would see. */
function configuration(command: string, more: Partial<Pipeline> = {}, show = shown, context = "svc/a"): string {
  const { executors, commands, jobs, workflows } = continueConfiguration(
    {
      ...samplePipeline,
      regenerate: "",
      services: [
        {
          name: "a",
          serviceContainers: [],
          prepare: { command, image: "cimg/openjdk:21.0", directory: "svc/a", context },
        },
      ],
      testedOnly: [],
      releases: true,
      previews: false,
      previewEnvironments: false,
      ...more,
    },
    { trigger: "review" },
  );
  const calls = (workflows["review"]?.jobs ?? []).filter((call) => typeof call !== "string" && !("test" in call));
  const generated: CircleConfig = {
    version: 2.1,
    executors,
    commands: {
      prepare: { steps: ["checkout", { run: { command: `echo "delivery() { ${show}; }" >>"$BASH_ENV"` } }] },
      report: commands?.["report"] ?? { steps: [] },
    },
    jobs: Object.fromEntries(
      ["prepare-image", "build-only"].map((name) => [name, withoutDocker(jobs[name] ?? { executor: "", steps: [] })]),
    ),
    workflows: { review: { jobs: calls.filter((call) => !JSON.stringify(call).includes('"delivery"')) } },
  };
  return render(generated, "");
}

/** Nothing here needs a builder of images. */
function withoutDocker(job: Job): Job {
  return { ...job, steps: job.steps.filter((step) => typeof step === "string" || !("setup_remote_docker" in step)) };
}

const files = {
  ".gitignore": "target/\n*.log\n",
  "README.md": "1",
  "svc/a/Dockerfile": "FROM scratch\nCOPY target/a.jar /\n",
  "svc/a/version.txt": "1",
  "svc/b/version.txt": "1",
};

test("what a command makes and changes in the context of the build is there when the image is built", async () => {
  const command = `
mkdir -p $SERVICE_DIRECTORY/target/classes "svc/a/two words" elsewhere
cat >svc/a/target/$SERVICE.jar <<JAR
made in $(basename "$PWD"), << parameters.service >>
JAR
touch svc/a/target/classes/A.class "svc/a/two words/ü" elsewhere/x svc/a/build.log
echo 2 >svc/a/version.txt; echo 2 >svc/b/version.txt; ln -s ../version.txt svc/a/target/link`;
  const [pipeline = ""] = await harness.push(configuration(command), { files });
  expect([await ended(harness, pipeline), await harness.jobStatuses(pipeline)]).toEqual([
    "success",
    { "prepare-a": "success", "build-a": "success" },
  ]);
  expect(await harness.log(pipeline, "prepare-a")).toContain("6 files and directories");
  expect(await harness.log(pipeline, "build-a")).toContain(
    `${[
      " M svc/a/version.txt",
      "!! svc/a/build.log",
      "!! svc/a/target/a.jar",
      "!! svc/a/target/classes/A.class",
      "!! svc/a/target/link",
      '?? "svc/a/two words/\\303\\274"',
    ].join("\n")}\nmade in project, << parameters.service >>\n`,
  );
});

test("services that share a job each have their own variables, and the first that fails ends it", () => {
  const service = (name: string, command: string): PipelineService => ({
    name,
    serviceContainers: [],
    prepare: { command, directory: `svc/${name} it's`, context: "." },
  });
  const run = (...commands: string[]): [number | null, string] => {
    const services = commands.map((command, index) => service(`s${index}`, command));
    const { command } = prepareParameters({ name: "1-of-2", services }, { appDirectory: "." });
    const { status, stdout } = spawnSync("bash", ["-eo", "pipefail", "-c", command], { encoding: "utf8" });
    return [status, stdout];
  };
  const show = 'echo "$SERVICE: $SERVICE_DIRECTORY"';
  expect(run(show)).toEqual([0, "s0: svc/s0 it's\n"]);
  expect(run(`${show} # one`, `X=1; cat <<E\n$SERVICE)\nE`, show)).toEqual([
    0,
    "s0: svc/s0 it's\ns1)\ns2: svc/s2 it's\n",
  ]);
  expect(run(show, "false | cat", show)).toEqual([1, "s0: svc/s0 it's\n"]);
});

test("nothing is built where the command fails, be it in a pipe", async () => {
  const [pipeline = ""] = await harness.push(configuration("mvn-is-not-here package | cat\nmkdir svc/a/target"), {
    files,
  });
  expect([await ended(harness, pipeline), await harness.jobStatuses(pipeline)]).toEqual([
    "failed",
    { "prepare-a": "failed", "build-a": "not_run" },
  ]);
});

test("a monorepo below the root of its checkout, all of which the image sees, and a program that stays as it is", async () => {
  const command =
    "mkdir -p svc/a/target deploy/cli; echo made >svc/a/target/a.jar; echo bad >deploy/cli/delivery.js; echo 2 >../x";
  const below = Object.fromEntries(Object.entries(files).map(([path, content]) => [`shop/${path}`, content]));
  const layout = { appDirectory: "shop", layout: { program: "shop/deploy" } } as const;
  const shownThere = `cd shop; ${shown}; sed 's|.*/||' svc/pwd`;
  const config = configuration(`${command}; pwd >svc/pwd`, layout, shownThere, ".");
  const [pipeline = ""] = await harness.push(config, { files: { ...below, "shop/deploy/cli/delivery.js": "good" } });
  expect(await ended(harness, pipeline)).toBe("success");
  expect(await harness.log(pipeline, "build-a")).toContain(
    "\n!! shop/svc/a/target/a.jar\n?? shop/svc/pwd\nmade\nshop\n",
  );
});

/**
 * What a package that the command installs could do: hand over an archive of its own, in place of that of the job.
 * @param cli the directory of this program's commands
 */
const forging = (cli: string): string => `
member() { mkdir -p "../f/$(dirname "$1")" && echo evil >"../f/$1" && tar -C ../f -rf ../f.tar "$1" && rm "../f/$1"; }
mkdir -p ../f/${cli} && ln -s ${cli} ../f/way && tar -C ../f -rf ../f.tar way
for file in ./${cli} ${cli} way; do member $file/delivery.js; done
member .git/hooks/post-checkout; member svc/a/.git/config; member svc/a/target/a.jar
echo 'tar() { cp ../f.tar ../handed-over/prepared/a.tar; }' >>"$BASH_ENV"`;

test.each<[where: string, layout: Partial<Pipeline>, cli: string]>([
  ["beside the services", { layout: { program: "deploy" } }, "deploy/cli"],
  ["in the root of the monorepo", {}, "cli"],
])("an archive that was forged replaces no file of the program %s, and none of Git's", async (_, layout, cli) => {
  const look = `cat ${cli}/delivery.js svc/a/target/a.jar; for file in .git/hooks/post-checkout svc/a/.git; do [ ! -e $file ] || echo "$file"; done`;
  const [pipeline = ""] = await harness.push(configuration(forging(cli), layout, look), {
    files: { ...files, [`${cli}/delivery.js`]: "good\n" },
  });
  expect([await ended(harness, pipeline), await harness.log(pipeline, "build-a")]).toEqual([
    "success",
    expect.stringContaining("\ngood\nevil\n\n"),
  ]);
});

test("of a monorepo below the root of its checkout, nothing is taken but what is in it", async () => {
  const below = Object.fromEntries(Object.entries(files).map(([path, content]) => [`shop/${path}`, content]));
  const layout = { appDirectory: "shop", layout: { program: "." } } as const;
  const command =
    "mkdir -p svc/a/target ../cli; echo made >svc/a/target/a.jar; echo bad >../cli/delivery.js; echo bad >../x";
  const look = "cat cli/delivery.js shop/svc/a/target/a.jar; ls";
  const [pipeline = ""] = await harness.push(configuration(command, layout, look, "."), {
    files: { ...below, "cli/delivery.js": "good\n" },
  });
  expect(await ended(harness, pipeline)).toBe("success");
  expect(await harness.log(pipeline, "build-a")).toContain("\ngood\nmade\ncli\nshop\n");
});
