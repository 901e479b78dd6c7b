import { shortCommit } from "../../../git/records.ts";
import { Refusal } from "../answers.ts";
import { assertNotHeld, assertOpen, assertSameCommit } from "../assertions.ts";
import type { ChatAction } from "../chat-context.ts";

/** Merges the pull request of a promotion, which is its approval: at the very commit that it had. */
export const approve: ChatAction<{ readonly commit: string | undefined }> = async ({ commit }, request) => {
  const { repository, places, pullRequest, login, url } = request;
  const isDeploy = [...places.deploys.values()].some(({ name }) => name === repository.name);
  if (!isDeploy || !pullRequest.head.ref.startsWith("promote/"))
    throw new Refusal(
      "only the pull request of a promotion is approved so; code is reviewed as GitHub has it, and then merged",
    );
  const { number, merged, mergeCommit, head } = pullRequest;
  if (head.repository !== repository.name)
    throw new Refusal("it comes from a fork: the branch of a promotion is in the deploy repository itself");
  if (merged) return `it is merged already, by ${shortCommit(mergeCommit ?? "")}`;
  assertOpen(request);
  assertNotHeld(request);
  assertSameCommit(request, commit);
  const sha = await repository.chat.merge(number, head.sha, {
    title: `Merge pull request #${number} from ${repository.name.split("/")[0]}/${head.ref}`,
    body: `Approved-By: ${login}\nApproved-In: ${url}`,
  });
  if (sha === undefined)
    throw new Refusal(
      `GitHub does not merge it: it has moved on from ${shortCommit(head.sha)}, conflicts, or lacks what is required`,
    );
  return `${shortCommit(head.sha)} is merged, by ${shortCommit(sha)}`;
};
