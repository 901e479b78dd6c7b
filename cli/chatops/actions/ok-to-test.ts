import { Refusal } from "../answers.ts";
import { assertOfSource, assertOpen, assertSameCommit } from "../assertions.ts";
import type { ChatAction } from "../chat-context.ts";
import { engineOf } from "../pipelines.ts";

/** How pull requests of forks are run where a branch starts nothing. */
const withoutBranch = {
  tekton: "comment /ok-to-test, which Pipelines-as-Code reads",
  travis: "Travis CI runs pull requests of forks by itself",
} as const;

/** Where commits of forks are that somebody has vouched for, without `refs/`. */
export function vouchedBranches(pullRequest: number): string {
  return `heads/ok-to-test/pr-${pullRequest}-`;
}

/**
 * Vouches for one commit of a fork: a branch of the monorepo itself leads to it from then on, so that it is tested as those of
 * members are. What is pushed to the fork afterwards is not on it.
 */
export const okToTest: ChatAction<{ readonly commit: string }> = async ({ commit }, request) => {
  assertOfSource(request);
  assertOpen(request);
  const { repository, pullRequest } = request;
  const { head, number } = pullRequest;
  if (head.repository === repository.name) throw new Refusal("it comes from no fork: it is tested anyway");
  assertSameCommit(request, commit);
  const engine = engineOf(request);
  if (engine !== "circleci")
    throw new Refusal(`ci.engine is ${engine}, which runs nothing at a branch of its own: ${withoutBranch[engine]}`);
  const branch = `${vouchedBranches(number)}${head.sha.slice(0, 12)}`;
  if (!(await repository.refs.create(branch, head.sha)))
    throw new Refusal(`branch ${branch.replace(/^heads\//, "")} is there already, at another commit; remove it first`);
  return `${head.sha} is on branch ${branch.replace(/^heads\//, "")}, and tested as one of a member`;
};
