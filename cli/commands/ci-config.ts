import { join, resolve } from "node:path";
import { unclaimedDockerfiles } from "../../components/service/find-services.ts";
import { staleFiles, writeFiles } from "../ci-config/generated-files.ts";
import { engines } from "../ci-config/engines.ts";
import { planAndContinue } from "../ci-config/plan.ts";
import { readPipeline } from "../ci-config/read-pipeline.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { environmentName, oneOf, required, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { githubHelp } from "../github/access.ts";
import { endedFreeze } from "../../stacks/windows-schema.ts";
import { Project } from "../project/stack-file.ts";

const options = {
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    required: true,
    help: "the first environment, which gets what is merged; those that promote from it follow",
  },
  output: {
    value: "DIRECTORY",
    help: "write there",
    defaultText: "where the engine looks in the monorepo's checkout, for CircleCI .circleci at its root",
  },
  print: { help: "print them instead" },
  check: { help: "only say whether the committed files are as they must be: exit status 0 if so, else 1" },
  continue: {
    help: `in CI, where the first job of a run calls it: compare, find out why the pipeline runs, and go on with that
      workflow, for the services that have changed; the options below go with it`,
  },
  to: { value: "COMMIT", help: "what is tested and built" },
  branch: {
    value: "BRANCH",
    help: "where it was pushed to; what is pushed to github.branch of the stack file is delivered",
  },
  from: {
    value: "COMMIT",
    help: `the commit before it, for services of which no release record says what they were built from; for other
      branches, the commit where they left github.branch counts`,
  },
  repository: {
    value: "URL",
    help: "where the jobs get the source, for engines that have to be told (Tekton)",
  },
  plan: {
    value: "FILE",
    help: "write the jobs that are to run there, one a line, for engines whose jobs look there (Travis CI)",
  },
  drift: {
    value: "true",
    parse: oneOf("true", "false"),
    default: "false",
    help: "look for drift instead, as the schedule asks",
  },
  resume: {
    value: "true",
    parse: oneOf("true", "false"),
    default: "false",
    help: "go on with what waits instead, as the schedule asks",
  },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "write CI's configuration, or go on with it",
  description: [
    `Writes the configuration of the monorepo for the engine that runs its pipeline, ci.engine of the stack file. Commit all of it.`,
    Object.fromEntries(Object.entries(engines).map(([name, { purpose }]) => [name, purpose])),
  ],
  usage: [
    "ci-config --env ENVIRONMENT [--output DIRECTORY | --print | --check]",
    "ci-config --env ENVIRONMENT --continue --to COMMIT --branch BRANCH [--from COMMIT]",
    "ci-config --env ENVIRONMENT --continue --to COMMIT --branch BRANCH (--drift true | --resume true)",
  ],
  options,
  notes: [`${githubHelp} Without an answer, there is no pull request.`],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const { env: environment } = flags;
  if ([flags.print, flags.check, flags.continue].filter(Boolean).length > 1)
    throw new UsageError("--print, --check and --continue exclude one another");
  const project = new Project();
  if (flags.continue) {
    const push = {
      from: flags.from === "" ? undefined : flags.from,
      to: required("to", flags.to),
      branch: required("branch", flags.branch),
    };
    const plan = flags.plan === undefined ? undefined : resolve(flags.plan);
    const schedule = flags.drift === "true" ? "drift" : flags.resume === "true" ? "resume" : undefined;
    return planAndContinue({ project, environment, ...push, schedule, plan, repository: flags.repository }, context);
  }
  const { pipeline, root, monorepo, settings, chain } = await readPipeline(project, environment);
  const engine = engines[settings.ci.engine];
  const unclaimed = unclaimedDockerfiles(monorepo, monorepo.services);
  if (unclaimed !== undefined) context.note(`note: ${unclaimed}`);
  for (const { name } of [chain.first, ...chain.promotions]) {
    const file = project.stackFile(name);
    const ended = endedFreeze({ file: file.path, ...file.read("freeze") });
    if (ended !== undefined) context.note(`note: ${ended}`);
  }
  const directory = flags.output === undefined ? join(root, engine.directory) : resolve(flags.output);
  const files = engine.files(pipeline);
  if (flags.print)
    return context.print(
      files
        .map(({ name, text }) => `# ${name}\n${text}`)
        .join("---\n")
        .trimEnd(),
    );
  if (!flags.check) {
    writeFiles(directory, files);
    return context.print(`wrote ${files.map(({ name }) => join(directory, name)).join(" and ")}`);
  }
  const stale = staleFiles(directory, files);
  if (stale.length > 0)
    throw new CommandError(
      `${stale.join("\n       ")}\n       run \`npx ${pipeline.regenerate}\` and commit the result`,
    );
  context.print(`${directory} is up to date`);
}
