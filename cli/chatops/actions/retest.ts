import { assertOfSource, assertOpen, assertSameCommit } from "../assertions.ts";
import type { ChatAction } from "../chat-context.ts";
import { rerun } from "../pipelines.ts";

/** Runs the jobs of a pull request again, all or those of one service. */
export const retest: ChatAction<{ readonly service: string | undefined }> = async ({ service }, request) => {
  assertOfSource(request);
  assertOpen(request);
  assertSameCommit(request, undefined);
  return rerun(request, service);
};
