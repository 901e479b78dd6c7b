import { join } from "node:path";
import { stackSchema } from "../../stacks/schema.ts";
import type { Surroundings } from "../command.ts";
import { readStackSettings } from "../stack-settings.ts";
import { changedPart } from "./changed-part.ts";
import { checkedConfiguration } from "./circleci-references.ts";
import { continueConfiguration, failedConfiguration } from "./configuration.ts";
import { continuePipeline, type Continuation } from "./continuation.ts";
import { hasEarlierPreview } from "./earlier-preview.ts";
import { commentFailure } from "./failure-comment.ts";
import { generatedFiles, staleFiles } from "./generated-files.ts";
import { reasonFor, type Reason } from "./occasion.ts";
import type { Pipeline } from "./pipeline.ts";
import { readPipeline } from "./read-pipeline.ts";
import { render } from "./render.ts";

export interface PlanArgs {
  /** The first environment. */
  readonly environment: string;
  /** The commit before, where CI knows it. @default unknown */
  readonly from: string | undefined;
  readonly to: string;
  readonly branch: string;
  readonly drift: boolean;
}

const circleApi = "https://circleci.com/api/v2";

/**
 * Goes on with the part of the pipeline that a push asks for. Where that cannot be said, with one job that fails and says
 * why: a status that never comes would block a pull request without a word.
 * @throws CommandError with what is wrong, after CI knows it
 */
export async function goOn(args: PlanArgs, surroundings: Surroundings): Promise<void> {
  const api = apiOf(args.environment);
  const planned = await plan(args, surroundings).catch((error: unknown) => {
    if (surroundings.signal.aborted || !(error instanceof Error)) throw error;
    return error;
  });
  if (!(planned instanceof Error)) return continuePipeline(api, planned, surroundings);
  await continuePipeline(api, failure(planned.message), surroundings);
  await commentFailure(args, planned.message, surroundings);
  throw planned;
}

async function plan(args: PlanArgs, surroundings: Surroundings): Promise<Continuation> {
  const { environment, from, to, branch, drift } = args;
  const known = await readPipeline(environment);
  const { github, gitops } = known.settings;
  const deliveredBranch = github?.branch ?? "main";
  const reason = await reasonFor(
    { environment, branch, deliveredBranch, drift, previews: gitops?.previews, github },
    surroundings,
  );
  if (drift) {
    surroundings.print(
      `drift: ${[known.pipeline.first, ...known.pipeline.promotions].map(({ name }) => name).join(", ")}`,
    );
    return continuation(known.pipeline, reason);
  }
  const [stale] = staleFiles(join(known.root, ".circleci"), generatedFiles(known.pipeline));
  const push = { from, to, delivered: reason.occasion === "deliver", deliveredBranch };
  const { pipeline: changed, changes } = await changedPart(known, push, surroundings.note);
  const previews = changed.previews || (await hasEarlierPreview(environment, reason, surroundings));
  const pipeline = { ...changed, previews };
  const lines = [
    `${reason.occasion}${reason.pullRequest === undefined ? "" : ` of pull request ${reason.pullRequest}`}: ${changes.services.length} of ${known.pipeline.services.length} services have changed`,
    ...changes.services.map(({ name, reason: why }) => `  ${name}: ${why}`),
    ...changes.tests.map(({ name, reason: why }) => `  ${name}, only its tests: ${why}`),
  ];
  surroundings.print(lines.join("\n"));
  return continuation(pipeline, reason, stale && `${stale}; run \`npx ${pipeline.regenerate}\` and commit the result`);
}

function continuation(pipeline: Pipeline, { occasion, pullRequest = 0 }: Reason, problem?: string): Continuation {
  const configuration = continueConfiguration(pipeline, { occasion, problem });
  return {
    configuration: render(
      checkedConfiguration("the continuation", configuration),
      `Made by \`${pipeline.regenerate}\`.`,
    ),
    parameters: { occasion, "pull-request": pullRequest },
  };
}

function failure(problem: string): Continuation {
  return { configuration: render(failedConfiguration(problem), "Made by `delivery ci-config`."), parameters: {} };
}

/** Known even if the rest of the stack file is faulty. What is wrong with this part, too, the plan says. */
function apiOf(environment: string): string {
  try {
    return readStackSettings(environment, stackSchema.pick({ ci: true }))?.ci.host ?? circleApi;
  } catch {
    return circleApi;
  }
}
