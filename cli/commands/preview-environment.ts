import { defineCommand, type CommandContext } from "../command.ts";
import { commitId, environmentName, required, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { githubHelp, githubOf, githubSettings } from "../github/access.ts";
import type { GitHub } from "../github/github.ts";
import { commentPreview, commentRemoval } from "../preview-environment/comment.ts";
import { findPreviewLocation, ineligibleReason, type PreviewLocation } from "../preview-environment/location.ts";
import { reportPreview, reportRemoval } from "../preview-environment/report.ts";
import { removePreviews, writePreview } from "../preview-environment/write-preview.ts";
import { deployCredentialsHelp, environmentOptions } from "../project/environment.ts";
import { readMonorepo } from "../project/monorepo.ts";
import { Project } from "../project/stack-file.ts";
import { readDigests } from "../release/digests-file.ts";

const options = {
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    required: true,
    help: "the environment that it is made after, e.g. dev; its stack file has gitops.previews",
  },
  "pull-request": { value: "NUMBER", parse: pullRequestNumber, help: "of the monorepo" },
  digests: {
    value: "FILE",
    help: `the images of the services that it changes, {"link": "sha256:0123…"}, as \`delivery build\` writes it; a
      directory: all files in it that end with .json; - reads standard input`,
  },
  "source-commit": {
    value: "SHA",
    parse: commitId,
    help: "the commit that they were built from. Nothing is done if the pull request has another by now",
  },
  "remove-closed": { help: "remove what is left of pull requests that are closed or have lost the label" },
  comment: { help: "say so in the pull request" },
  json: { help: "print the result as JSON" },
  ...environmentOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "run a pull request in an environment of its own",
  description: [
    `Gives a pull request an environment of its own, by one commit to the deploy repository. Argo CD makes it run in a
    namespace of its own as long as the pull request is open and has the label.`,
  ],
  usage: [
    "preview-environment --env ENVIRONMENT --pull-request NUMBER --digests FILE [OPTIONS]",
    "preview-environment --env ENVIRONMENT --remove-closed [OPTIONS]",
  ],
  options,
  notes: [
    `It consists of the changed services, whatever they call, and the exposed services that lead to them; what the pull
    request does not change runs as in ENVIRONMENT at this moment. Databases and caches that ENVIRONMENT runs on the
    cluster are there anew, and empty; those that it has elsewhere are not there. Secrets are made up.`,
    "The stack file of an environment is stacks/Pulumi.ENVIRONMENT.yaml in the current directory.",
    deployCredentialsHelp,
    githubHelp,
  ],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const { env, "source-commit": sourceCommit, comment, json } = flags;
  const project = new Project();
  const output = { comment, json, context };
  const openGitHub = (): GitHub => githubOf(githubSettings(project.stackFile(env)), context);
  if (flags["remove-closed"]) {
    const stray = (["pull-request", "digests", "source-commit"] as const).find((other) => flags[other] !== undefined);
    if (stray !== undefined) throw new UsageError(`--remove-closed does not go with --${stray}`);
    return remove(findPreviewLocation(project, env, flags), openGitHub(), output);
  }
  const number = flags["pull-request"];
  if (number === undefined) throw new UsageError("--pull-request is missing");
  const file = required("digests", flags.digests);
  const location = findPreviewLocation(project, env, flags);
  const github = openGitHub();
  const digests = await readDigests(file, context.input);
  const pullRequest = await github.pullRequest(number);
  const reason = ineligibleReason(pullRequest, location.label);
  if (reason !== undefined) {
    context.note(`pull request ${number} ${reason}: it gets no environment`);
    return remove(location, github, output);
  }
  if (sourceCommit !== undefined && !pullRequest.head.sha.startsWith(sourceCommit)) {
    context.note(
      `pull request ${number} is at ${pullRequest.head.sha} by now, whose own pipeline makes the environment; nothing was changed`,
    );
    return reportRemoval({ removed: new Map(), commit: undefined }, json, context);
  }
  const preview = await writePreview({
    location,
    monorepo: readMonorepo(project, env),
    pullRequest: number,
    digests,
    sourceCommit,
  });
  if (comment) await commentPreview(github, number, preview, location);
  reportPreview(preview, location, json, context);
}

interface Output {
  readonly comment: boolean;
  readonly json: boolean;
  readonly context: CommandContext;
}

async function remove(location: PreviewLocation, github: GitHub, { comment, json, context }: Output): Promise<void> {
  const result = await removePreviews(location, github);
  if (comment) for (const [number, reason] of result.removed) await commentRemoval(github, number, reason);
  reportRemoval(result, json, context);
}

function pullRequestNumber(text: string, option: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text))
    throw new UsageError(`--${option} ${JSON.stringify(text)} is not the number of one`);
  return Number(text);
}
