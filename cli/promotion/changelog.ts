import { errorMessage } from "../../core/error.ts";
import type { Records, Release } from "../../git/records.ts";
import { changelogMarkdown } from "../changelog/output.ts";
import { changesOfServices, type CommitRange } from "../changelog/service-changes.ts";
import { webLinks } from "../github/web.ts";
import { readMonorepo } from "../project/monorepo.ts";
import type { Project } from "../project/stack-file.ts";
import type { PromotionPath } from "./candidates.ts";

/** GitHub takes 65,536 characters for a description, of which the services and the gates need some. */
const limit = 40_000;

/**
 * The commits that a promotion brings, by service, as Markdown. A promotion does without where the monorepo cannot be read: it
 * then says why.
 * @param seen the records of where it goes, as they are before
 */
export async function promotionChangelog(
  project: Project,
  { to }: Pick<PromotionPath, "to">,
  releases: readonly Release[],
  seen: Records,
): Promise<string> {
  try {
    const ranges = releases.map((release) => promotedRange(release, seen, to.name));
    const changes = await changesOfServices(readMonorepo(project, to.name), ranges);
    return changelogMarkdown(changes, webLinks(project.stackFile(to.name).find("github")?.github), limit);
  } catch (error) {
    return `Which commits these are is not known here: ${errorMessage(error).split("\n")[0]}`;
  }
}

/** From what an environment runs to what it is to run. @param seen its records, as they are before */
export function promotedRange({ service, sourceCommit }: Release, seen: Records, to: string): CommitRange {
  const before = seen.get(service);
  const reason =
    before?.image === undefined
      ? `${to} has run nothing of it yet`
      : `the record of what ${sourceCommit === undefined ? "is promoted" : `${to} runs`} names no commit of the monorepo`;
  return { service, from: before?.sourceCommit, to: sourceCommit, reason };
}
