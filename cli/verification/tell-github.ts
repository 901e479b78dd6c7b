import { errorMessage } from "../../core/error.ts";
import { shortDigest } from "../../git/records.ts";
import type { CommandContext } from "../command.ts";
import { githubOf } from "../github/access.ts";
import { githubTokenVariable } from "../github/connection.ts";
import type { CommitStatus, GitHub } from "../github/github.ts";
import { code, escapeUrl, plain } from "../github/markdown.ts";
import { commentMarker, putStickyComment } from "../github/sticky-comment.ts";
import type { StackFile } from "../project/stack-file.ts";
import type { VerifiedService } from "./verify.ts";

/**
 * Says at the commits of the monorepo what has come of their images, and in the pull requests that they are of what has failed.
 * The release records say it all the same, so that what GitHub refuses changes nothing.
 * @param link the job that has found it. @default it is none
 */
export async function tellGitHub(
  file: StackFile,
  services: readonly VerifiedService[],
  link: string | undefined,
  context: CommandContext,
): Promise<void> {
  const settings = file.find("github")?.github;
  const commits = Map.groupBy(
    services.filter(({ outcome, sourceCommit }) => outcome.state !== "superseded" && sourceCommit !== undefined),
    ({ sourceCommit }) => sourceCommit ?? "",
  );
  if (settings === undefined || commits.size === 0) return;
  if ((context.environment[githubTokenVariable] ?? "") === "") {
    context.note(`GitHub is not told: ${githubTokenVariable} is not set`);
    return;
  }
  const github = githubOf(settings, context);
  for (const [commit, verified] of commits) {
    try {
      await github.setStatus(commit, { ...statusOf(file.name, verified), url: link });
      if (verified.some(({ outcome }) => outcome.state === "failed"))
        await comment(github, commit, file.name, verified, link);
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.note(`GitHub is not told of ${commit}: ${errorMessage(error)}`);
    }
  }
}

function statusOf(environment: string, services: readonly VerifiedService[]): CommitStatus {
  const context = `delivery/verify-${environment}`;
  const named = (state: VerifiedService["outcome"]["state"]): string[] =>
    services.flatMap(({ service, outcome }) => (outcome.state === state ? [service] : []));
  const [failed, pending] = [named("failed"), named("pending")];
  if (failed.length > 0)
    return { context, state: "failure", description: `${failed.join(", ")} failed, and is taken back` };
  if (pending.length > 0) return { context, state: "pending", description: `${pending.join(", ")} proves itself` };
  return { context, state: "success", description: `${named("passed").join(", ")} passed` };
}

async function comment(
  github: GitHub,
  commit: string,
  environment: string,
  services: readonly VerifiedService[],
  link: string | undefined,
): Promise<void> {
  const rows = services.flatMap(({ service, digest, outcome }) => {
    if (outcome.state !== "failed") return [];
    const now =
      outcome.back === null
        ? `still ${code(shortDigest(digest))}: ${plain(outcome.stays ?? "")}`
        : `${code(shortDigest(outcome.back))}, what it ran before`;
    return [`| ${plain(service)} | ${code(shortDigest(digest))} | ${plain(outcome.evidence)} | ${now} |`];
  });
  const text = [
    `## Failed in ${plain(environment)}`,
    "",
    `What ${code(commit)} makes has not proved itself there. It does not come back by itself; a later change to the service does.`,
    "",
    "| service | image | what was found | runs now |",
    "| --- | --- | --- | --- |",
    ...rows,
    ...(link === undefined ? [] : ["", `[The job that found it](${escapeUrl(link)})`]),
    "",
  ].join("\n");
  for (const { number } of await github.pullRequestsOf(commit))
    await putStickyComment(github, number, commentMarker(`verify ${environment}`), text);
}
