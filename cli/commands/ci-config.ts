import { join, resolve } from "node:path";
import { generatedFiles, staleFiles, writeFiles } from "../ci-config/generated-files.ts";
import { goOn } from "../ci-config/plan.ts";
import { readPipeline } from "../ci-config/read-pipeline.ts";
import { CommandError, parseOptions, required, UsageError, type Command, type CommandContext } from "../command.ts";
import { githubHelp } from "../github/access.ts";
import { Project } from "../project/stack-file.ts";

const help = `Writes CircleCI's configuration of the monorepo: .circleci/config.yml, which finds out what has changed, and
.circleci/continue_config.yml, the whole pipeline. Commit both.

Usage: npx delivery ci-config --env ENVIRONMENT [--output DIRECTORY | --print | --check]
       npx delivery ci-config --env ENVIRONMENT --continue --to COMMIT --branch BRANCH [--from COMMIT] [--drift true]

  --env ENVIRONMENT    the first environment, which gets what is merged; those that promote from it follow
  --output DIRECTORY   write there                   (default: .circleci at the root of the monorepo's checkout)
  --print              print both instead
  --check              only say whether the committed files are as they must be: exit status 0 if so, else 1

In CI, the job of config.yml calls it with --continue: it compares, finds out why the pipeline runs, and goes on with that
workflow, for the services that have changed.

  --to COMMIT          what is tested and built
  --branch BRANCH      where it was pushed to; what is pushed to github.branch of the stack file is delivered
  --from COMMIT        the commit before it, for services of which no release record says what they were built from;
                       for other branches, the commit where they left github.branch counts
  --drift true         look for drift instead, as the schedule asks

${githubHelp} Without an answer, there is no pull request.`;

export const command: Command = { summary: "write CircleCI's configuration, or go on with it", help, run };

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions(args, {
    env: { type: "string" },
    output: { type: "string" },
    print: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    continue: { type: "boolean", default: false },
    from: { type: "string" },
    to: { type: "string" },
    branch: { type: "string" },
    drift: { type: "string", default: "false" },
  });
  const environment = required("env", options.env);
  const project = new Project();
  if ([options.print, options.check, options.continue].filter(Boolean).length > 1)
    throw new UsageError("--print, --check and --continue exclude one another");
  if (options.continue) {
    const { from = "", drift } = options;
    if (drift !== "true" && drift !== "false")
      throw new UsageError(`--drift ${JSON.stringify(drift)}: must be true or false`);
    const push = {
      from: from === "" ? undefined : from,
      to: required("to", options.to),
      branch: required("branch", options.branch),
    };
    return goOn({ project, environment, ...push, drift: drift === "true" }, context);
  }
  const { pipeline, root } = await readPipeline(project, environment);
  const directory = options.output === undefined ? join(root, ".circleci") : resolve(options.output);
  const files = generatedFiles(pipeline);
  if (options.print)
    return context.print(
      files
        .map(({ name, text }) => `# ${name}\n${text}`)
        .join("---\n")
        .trimEnd(),
    );
  if (!options.check) {
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
