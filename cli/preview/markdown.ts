import { code, fenced, plain } from "./escape.ts";
import { extents } from "./extent.ts";
import type { StackPreview } from "./model.ts";
import {
  builds,
  errors,
  folded,
  limits,
  losses,
  others,
  policies,
  properties,
  services,
  warnings,
  type SectionText,
} from "./section-texts.ts";
import { fitSections, type CutSections, type Section } from "./section.ts";

export interface MarkdownOptions {
  /** The commit that was looked at; absent outside of Git. */
  readonly commit?: string | undefined;
  /** Where the whole report is, when this one had to be cut. */
  readonly link?: string | undefined;
  /** Characters. @default 65,000: GitHub takes 65,536, and the marker comes on top */
  readonly limit?: number;
}

/** One report of all environments, as a comment on a pull request. */
export function previewMarkdown(previews: readonly StackPreview[], options: MarkdownOptions = {}): string {
  const { commit, link, limit = 65_000 } = options;
  const names = previews.map(({ stack }) => code(stack)).join(", ");
  const heading = `## Preview of ${names}${commit === undefined ? "" : ` at ${code(commit.slice(0, 7))}`}`;
  const sections = [
    { texts: [heading], title: "heading", rank: 0, essential: true },
    ...previews.flatMap((preview) => stackSections(preview, previews.length > 1)),
  ];
  return `${fitSections(sections, limit, (cut) => cutNote(cut, link))}\n`;
}

function cutNote({ leftOut, shortened }: CutSections, link: string | undefined): string {
  const place = link === undefined ? "the whole is in the log of the job" : `the whole is [here](${escapeUrl(link)})`;
  const kinds = [
    { word: "left out", titles: leftOut },
    { word: "shortened", titles: shortened },
  ].filter(({ titles }) => titles.length > 0);
  const why = ", for GitHub takes no longer comments";
  const parts = kinds.map(({ word, titles }, index) => {
    const start = index === 0 ? `${word[0]?.toUpperCase()}${word.slice(1)}${why}` : word;
    return `${start}: ${titles.map(plain).join(", ")}`;
  });
  return `> [!NOTE]\n> ${[...parts, place].join("; ")}.`;
}

/** Parentheses would end the link. */
function escapeUrl(link: string): string {
  if (!URL.canParse(link) || !/^https?:/.test(link)) return "#";
  return new URL(link).href.replaceAll("(", "%28").replaceAll(")", "%29");
}

function stackSections(preview: StackPreview, several: boolean): Section[] {
  const of = several ? ` of ${preview.stack}` : "";
  const section = (title: string, rank: number, essential: boolean, ...texts: string[]): Section[] =>
    texts[0] === "" ? [] : [{ title: `${title}${of}`, rank, essential, texts: [...new Set(texts)] }];
  const inShort = (title: string, rank: number, text: SectionText): Section[] =>
    section(title, rank, true, ...extents.map((extent) => text(preview, extent)));
  const name = several ? `### ${code(preview.stack)}\n\n` : "";
  return [
    ...section("result", 1, true, `${name}${summary(preview)}`),
    ...inShort("errors", 2, errors),
    ...inShort("replacements and deletions", 3, losses),
    ...inShort("policies", 3, policies),
    ...inShort("services", 4, services),
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
  const words: Readonly<Record<string, string>> = {
    create: "to create",
    update: "to update",
    replace: "to replace",
    delete: "to delete",
    import: "to import",
  };
  const changes = Object.entries(words).flatMap(([key, text]) =>
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
