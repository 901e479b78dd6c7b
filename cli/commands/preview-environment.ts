import { commitSchema } from "../../git/release-record.ts";
import { parseOptions, required, UsageError, type Command, type CommandContext } from "../command.ts";
import { githubHelp, githubOf, githubSettings } from "../github/access.ts";
import type { GitHub } from "../github/github.ts";
import { commentPreview, commentRemoval } from "../preview-environment/comment.ts";
import { findPreviewLocation, ineligibleReason, type PreviewLocation } from "../preview-environment/location.ts";
import { reportPreview, reportRemoval } from "../preview-environment/report.ts";
import { removePreviews, writePreview } from "../preview-environment/write-preview.ts";
import { environmentOptions } from "../project/environment.ts";
import { readMonorepo } from "../project/monorepo.ts";
import { Project } from "../project/stack-file.ts";
import { readDigests } from "../release/digests-file.ts";

const help = `Gives a pull request an environment of its own, by one commit to the deploy repository. Argo CD makes it run in a
namespace of its own as long as the pull request is open and has the label.

Usage: npx delivery preview-environment --env ENVIRONMENT --pull-request NUMBER --digests FILE [OPTIONS]
       npx delivery preview-environment --env ENVIRONMENT --remove-closed [OPTIONS]

  --env ENVIRONMENT    the environment that it is made after, e.g. dev; its stack file has gitops.previews
  --pull-request NUMBER  of the monorepo
  --digests FILE       the images of the services that it changes, {"link": "sha256:0123…"}, as \`delivery build\`
                       writes it; a directory: all files in it that end with .json; - reads standard input
  --source-commit SHA  the commit that they were built from. Nothing is done if the pull request has another by now
  --remove-closed      remove what is left of pull requests that are closed or have lost the label
  --comment            say so in the pull request
  --json               print the result as JSON
  --repository URL     the deploy repository         (default: gitops.repository of the stack file)
  --branch BRANCH      its branch                    (default: gitops.branch of the stack file)
  --images PREFIX      what stands before -SERVICE in the names of images, e.g. docker.io/acme/shop
                                                     (default: from images and app of the stack file)

It consists of the changed services, whatever they call, and the exposed services that lead to them; what the pull
request does not change runs as in ENVIRONMENT at this moment. Databases and caches that ENVIRONMENT runs on the
cluster are there anew, and empty; those that it has elsewhere are not there. Secrets are made up.

The stack file of an environment is stacks/Pulumi.ENVIRONMENT.yaml in the current directory.

Credentials of the deploy repository: Git's own (SSH keys, credential helpers), or DELIVERY_GIT_TOKEN in
the environment, with DELIVERY_GIT_USERNAME (default: x-access-token).

${githubHelp}`;

export const command: Command = { summary: "run a pull request in an environment of its own", help, run };

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions(args, {
    ...environmentOptions,
    env: { type: "string" },
    "pull-request": { type: "string" },
    digests: { type: "string" },
    "source-commit": { type: "string" },
    "remove-closed": { type: "boolean" },
    comment: { type: "boolean" },
    json: { type: "boolean" },
  });
  const name = required("env", options.env);
  const project = new Project();
  const output = { comment: options.comment === true, json: options.json === true, context };
  if (options["remove-closed"] === true) {
    const stray = (["pull-request", "digests", "source-commit"] as const).find((other) => options[other] !== undefined);
    if (stray !== undefined) throw new UsageError(`--remove-closed does not go with --${stray}`);
    return remove(
      findPreviewLocation(project, name, options),
      githubOf(githubSettings(project.stackFile(name)), context),
      output,
    );
  }
  const number = pullRequestNumber(required("pull-request", options["pull-request"]));
  const file = required("digests", options.digests);
  const sourceCommit = options["source-commit"];
  if (sourceCommit !== undefined && !commitSchema.safeParse(sourceCommit).success)
    throw new UsageError(`--source-commit ${JSON.stringify(sourceCommit)} is not the id of a commit`);
  const location = findPreviewLocation(project, name, options);
  const github = githubOf(githubSettings(project.stackFile(name)), context);
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
    return reportRemoval({ removed: new Map(), commit: undefined }, output.json, context);
  }
  const preview = await writePreview({
    location,
    monorepo: readMonorepo(project, name),
    pullRequest: number,
    digests,
    sourceCommit,
  });
  if (output.comment) await commentPreview(github, number, preview, location);
  reportPreview(preview, location, output.json, context);
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

function pullRequestNumber(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text))
    throw new UsageError(`--pull-request ${JSON.stringify(text)} is not the number of one`);
  return Number(text);
}
