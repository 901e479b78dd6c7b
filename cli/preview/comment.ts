import { ciRun } from "../ci-run.ts";
import { shortCommit } from "../../git/records.ts";
import { UsageError } from "../options.ts";
import type { GitHub } from "../github/github.ts";
import { code, escapeUrl, fenced, folded, plain } from "../github/markdown.ts";
import { previewMarkerOf, putStickyComment } from "../github/sticky-comment.ts";
import {
  builds,
  errors,
  fitSections,
  limits,
  losses,
  others,
  policies,
  properties,
  services,
  untested,
  verbosities,
  warnings,
  type CutSections,
  type Section,
  type SectionText,
} from "./comment-sections.ts";
import type { StackPreview } from "./model.ts";

interface MarkdownOptions {
  /** The commit that was previewed; absent outside of Git. */
  readonly commit?: string | undefined;
  /** The URL of the whole report, for one that had to be cut. */
  readonly link?: string | undefined;
  /** Characters. @default 65,000: GitHub takes 65,536, and the marker comes on top */
  readonly limit?: number;
}

/** One report of all environments, as a comment on a pull request. */
export function previewMarkdown(previews: readonly StackPreview[], options: MarkdownOptions = {}): string {
  const { commit, link, limit = 65_000 } = options;
  const names = previews.map(({ stack }) => code(stack)).join(", ");
  const heading = `## Preview of ${names}${commit === undefined ? "" : ` at ${code(shortCommit(commit))}`}`;
  const sections = [
    { texts: [heading], title: "heading", rank: 0, essential: true },
    ...previews.flatMap((preview) => stackSections(preview, previews.length > 1)),
  ];
  return `${fitSections(sections, limit, (cut) => cutNote(cut, link))}\n`;
}

function cutNote({ leftOut, shortened }: CutSections, link: string | undefined): string {
  const location =
    link === undefined ? "the whole is in the log of the job" : `the whole is [here](${escapeUrl(link)})`;
  const kinds = [
    { word: "left out", titles: leftOut },
    { word: "shortened", titles: shortened },
  ].filter(({ titles }) => titles.length > 0);
  const why = ", for GitHub takes no longer comments";
  const parts = kinds.map(({ word, titles }, index) => {
    const start = index === 0 ? `${word[0]?.toUpperCase()}${word.slice(1)}${why}` : word;
    return `${start}: ${titles.map(plain).join(", ")}`;
  });
  return `> [!NOTE]\n> ${[...parts, location].join("; ")}.`;
}

function stackSections(preview: StackPreview, several: boolean): Section[] {
  const of = several ? ` of ${preview.stack}` : "";
  const section = (title: string, rank: number, essential: boolean, ...texts: string[]): Section[] =>
    texts[0] === "" ? [] : [{ title: `${title}${of}`, rank, essential, texts: [...new Set(texts)] }];
  const inShort = (title: string, rank: number, text: SectionText): Section[] =>
    section(title, rank, true, ...verbosities.map((verbosity) => text(preview, verbosity)));
  const name = several ? `### ${code(preview.stack)}\n\n` : "";
  return [
    ...section("result", 1, true, `${name}${summary(preview)}`),
    ...inShort("errors", 2, errors),
    ...inShort("replacements and deletions", 3, losses),
    ...inShort("policies", 3, policies),
    ...inShort("services", 4, services),
    ...inShort("untested services", 5, untested),
    ...inShort("builds", 5, builds),
    ...inShort("other resources", 5, others),
    ...inShort("limits", 2, limits),
    ...inShort("warnings", 6, warnings),
    ...preview.files.flatMap(({ path, state, diff }) =>
      section("manifests", 7, false, folded(`${code(path)} ${state}`, fenced(diff, "diff"))),
    ),
    ...section("properties", 8, false, properties(preview)),
  ];
}

function summary({ counts, errors: problems, forkSafe }: StackPreview): string {
  const phrases: Readonly<Record<string, string>> = {
    create: "to create",
    update: "to update",
    replace: "to replace",
    delete: "to delete",
    import: "to import",
  };
  const changes = Object.entries(phrases).flatMap(([key, text]) =>
    counts[key] === undefined ? [] : [`${counts[key]} ${text}`],
  );
  const unchanged = `${counts["same"] ?? 0} unchanged`;
  const result =
    problems.length > 0
      ? "**The preview failed.** What follows is incomplete."
      : changes.length === 0
        ? `No changes: ${unchanged}.`
        : `${changes.join(", ")}, ${unchanged}.`;
  return forkSafe ? `${result} Previewed without any credentials: secrets are not compared.` : result;
}

interface ReportedPreview {
  /** In Markdown. */
  readonly report: string;
  /** The first of the environments that it is of. */
  readonly first: string;
  /** The commit that a pipeline has previewed; `undefined`: it is not known. */
  readonly commit: string | undefined;
  /** The number on the command line, if there is one. */
  readonly pullRequest: string | undefined;
}

/**
 * Writes the report to its pull request, over the one before, unless the pull request is at another commit by now: the
 * report of a slow job, or of one that is run again, is then outdated.
 * @returns what was done, for people
 */
export async function commentReport(
  github: GitHub,
  { report, first, commit, pullRequest }: ReportedPreview,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const number = await findPullRequest(github, pullRequest, environment);
  if (number === undefined)
    return "no comment: there is no open pull request of this commit; the report is printed only";
  const { head } = await github.pullRequest(number);
  if (commit !== undefined && !head.sha.startsWith(commit))
    return `no comment: pull request ${number} is at ${head.sha} by now, whose own pipeline reports; the report of ${commit} is printed only`;
  const { url } = await putStickyComment(github, number, previewMarkerOf(first), report);
  return `comment ${url}`;
}

/**
 * The pull request that a preview is for: as the command line says, or CircleCI's variables, or GitHub by commit and branch.
 * @returns `undefined`: there is none open
 */
export async function findPullRequest(
  github: Pick<GitHub, "openPullRequestsFor">,
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number | undefined> {
  if (given !== undefined && given !== "" && given !== "0") {
    if (/^[1-9]\d*$/.test(given)) return Number(given);
    throw new UsageError(`--pull-request ${JSON.stringify(given)} is not the number of a pull request`);
  }
  const { CIRCLE_PULL_REQUEST: url } = environment;
  const { commit: sha, branch } = ciRun(environment);
  const number = /\/pull\/(\d+)$/.exec(url ?? "")?.[1];
  if (number !== undefined) return Number(number);
  const found = sha === undefined ? [] : await github.openPullRequestsFor({ sha });
  // A pull request that is stacked on another has the commits of that one, too.
  const own = found.find(({ head }) => head.sha === sha) ?? found[0];
  if (own !== undefined) return own.number;
  return branch === undefined ? undefined : (await github.openPullRequestsFor({ branch }))[0]?.number;
}
