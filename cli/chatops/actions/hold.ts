import { errorMessage } from "../../../core/error.ts";
import { setHold } from "../../github/hold.ts";
import { Refusal } from "../answers.ts";
import type { ChatAction } from "../chat-context.ts";
import { runAgain } from "../pipelines.ts";

/**
 * Puts a pull request on hold, or takes it off. The label is what counts: the pipeline of an open one fails as long as it is
 * there, and gates of promotions ask for it. The status only shows it.
 */
export const hold: ChatAction<{ readonly kind: "hold" | "unhold" }> = async ({ kind }, request) => {
  const { repository, pullRequest, login, url } = request;
  const { head, state, merged } = pullRequest;
  if (state === "closed" && !merged) throw new Refusal("the pull request is closed: there is nothing to hold");
  const isHeld = kind === "hold";
  await setHold(repository.chat, pullRequest, { isHeld, by: login, url });
  const said = isHeld ? `it is on hold from ${head.sha.slice(0, 7)} on` : "it is no longer on hold";
  if (state === "closed" || repository.name !== request.places.source.name) return said;
  // Its required status changes with the next pipeline, which need not wait for a push.
  return runAgain(request).then(
    (started) => `${said}; ${started}`,
    (error: unknown) => `${said}, as its next pipeline will say: none could be started (${errorMessage(error)})`,
  );
};
