import { Refusal } from "../answers.ts";
import { assertOfSource, assertOpen } from "../assertions.ts";
import type { ChatAction } from "../chat-context.ts";
import { engineOf, runAgain, startedElsewhere } from "../pipelines.ts";

/** Gives a pull request an environment of its own: by its label, and a pipeline that sees it. */
export const preview: ChatAction<unknown> = async (_command, request) => {
  assertOfSource(request);
  assertOpen(request);
  const { project, environments, repository, pullRequest } = request;
  const [previews] = environments.flatMap((name) => project.stackFile(name).find("gitops")?.gitops?.previews ?? []);
  if (previews === undefined)
    throw new Refusal("no stack file has gitops.previews: there are no environments for pull requests");
  if (pullRequest.head.repository !== repository.name)
    throw new Refusal("it comes from a fork, whose images nobody pushes: it gets no environment of its own");
  await repository.chat.addLabel(pullRequest.number, previews.label);
  const engine = engineOf(request);
  if (engine !== "circleci")
    return `it is labelled ${previews.label}, and the next push makes its environment; for what it has now, ${startedElsewhere[engine]}`;
  return `it is labelled ${previews.label}; ${await runAgain(request)}, which makes its environment`;
};
