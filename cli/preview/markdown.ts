import { code, fenced, plain } from "./escape.ts";
import type { Loss, ResourceChange, ServiceChange, StackPreview } from "./model.ts";
import { fitSections, type Section } from "./section.ts";

export interface MarkdownOptions {
  /** The commit that was looked at; absent outside of Git. */
  readonly commit?: string | undefined;
  /** Where the whole report is, when this one had to be cut. */
  readonly link?: string | undefined;
  /** Characters. @default 65,000: GitHub takes 65,536, and the marker comes on top */
  readonly limit?: number;
}

/** More of a kind in one list nobody reads; the page then says how many more there are. */
const mostLines = 100;
const mostOpenLines = 10;
const longestMessage = 4_000;

/** One report of all environments, as a comment on a pull request. */
export function previewMarkdown(previews: readonly StackPreview[], options: MarkdownOptions = {}): string {
  const { commit, link, limit = 65_000 } = options;
  const names = previews.map(({ stack }) => code(stack)).join(", ");
  const heading = `## Preview of ${names}${commit === undefined ? "" : ` at ${code(commit.slice(0, 7))}`}`;
  const sections = [
    { text: heading, title: "heading", rank: 0 },
    ...previews.flatMap((preview) => stackSections(preview, previews.length > 1)),
  ];
  return `${fitSections(sections, limit, (titles) => leftOutNote(titles, link))}\n`;
}

function leftOutNote(titles: readonly string[], link: string | undefined): string {
  const place = link === undefined ? "the whole is in the log of the job" : `the whole is [here](${escapeUrl(link)})`;
  return `> [!NOTE]\n> Left out, for GitHub takes no longer comments: ${titles.map(plain).join(", ")}; ${place}.`;
}

/** Parentheses would end the link. */
function escapeUrl(link: string): string {
  if (!URL.canParse(link) || !/^https?:/.test(link)) return "#";
  return new URL(link).href.replaceAll("(", "%28").replaceAll(")", "%29");
}

function stackSections(preview: StackPreview, several: boolean): Section[] {
  const of = several ? ` of ${preview.stack}` : "";
  const section = (title: string, rank: number, text: string): Section[] =>
    text === "" ? [] : [{ title: `${title}${of}`, rank, text }];
  return [
    ...section(
      "result",
      1,
      [several ? `### ${code(preview.stack)}` : "", summary(preview)].filter(Boolean).join("\n\n"),
    ),
    ...section("errors", 2, errors(preview)),
    ...section("replacements and deletions", 3, losses(preview.losses)),
    ...section("policies", 3, policies(preview)),
    ...section("services", 4, services(preview)),
    ...section("builds", 5, builds(preview.builds)),
    ...section("other resources", 5, others(preview.others)),
    ...section("limits", 2, limits(preview.limits)),
    ...section("warnings", 6, folded("Warnings", list(preview.warnings.map((text) => `- ${plain(cut(text))}`)))),
    ...preview.files.flatMap(({ path, state, diff }) =>
      section("manifests", 7, folded(`${code(path)} ${state}`, fenced(diff, "diff"))),
    ),
    ...section("properties", 8, folded("Every property", properties(preview))),
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

function errors({ errors: problems }: StackPreview): string {
  if (problems.length === 0) return "";
  return `> [!CAUTION]\n> Errors\n\n${fenced(problems.map(cut).slice(0, 20).join("\n\n"), "")}`;
}

function policies({ policies: violations }: StackPreview): string {
  if (violations.length === 0) return "";
  const lines = violations.map(
    ({ policy, mandatory, resource, message }) =>
      `- ${mandatory ? "**mandatory** " : ""}${code(policy)}${resource === "" ? "" : ` ${code(resource)}`}: ${plain(cut(message))}`,
  );
  const mandatory = violations.some((violation) => violation.mandatory);
  return `> [!${mandatory ? "CAUTION" : "WARNING"}]\n> Policies are violated\n\n${list(lines)}`;
}

function losses(all: readonly Loss[]): string {
  if (all.length === 0) return "";
  const lines = all.map(({ action, kind, name, area, reasons }) => {
    const why =
      action === "replace"
        ? `because of ${reasons.length === 0 ? "a property that cannot be changed in place" : reasons.map(code).join(", ")}`
        : "no longer declared";
    return `- **${action === "replace" ? "Replaced" : "Deleted"}**: ${plain(kind)} ${code(name)} (${area}): ${why}`;
  });
  const counts = (["replace", "delete"] as const).map((action) => all.filter((loss) => loss.action === action).length);
  return `> [!WARNING]\n> ${counts[0]} to replace, ${counts[1]} to delete\n\n${list(lines)}`;
}

function services({ services: changed, unchanged }: StackPreview): string {
  const rest =
    unchanged.length === 0 ? "" : `${unchanged.length} ${unchanged.length === 1 ? "service" : "services"} unchanged.`;
  if (changed.length === 0) return rest;
  const rows = changed.slice(0, mostLines).map(row);
  const more = changed.length > mostLines ? [`… and ${changed.length - mostLines} more services.`] : [];
  return [`| service | image | changes |\n| --- | --- | --- |\n${rows.join("\n")}`, ...more, rest]
    .filter(Boolean)
    .join("\n\n");
}

function builds(names: readonly string[]): string {
  if (names.length === 0) return "";
  const shown = names.slice(0, mostOpenLines).map(code).join(", ");
  const more = names.length > mostOpenLines ? ` and ${names.length - mostOpenLines} more` : "";
  const [what, it] = names.length === 1 ? ["the image", "it"] : ["the images", "them"];
  return `The update builds ${what} of ${shown}${more}, and does not release ${it}.`;
}

function row({ name, state, image, changes }: ServiceChange): string {
  const images =
    image === undefined
      ? ""
      : image.before === image.after
        ? code(image.after)
        : `${code(image.before)} → ${code(image.after)}`;
  const words = [...(state === "changed" ? [] : [`**${state}**`]), ...changes.slice(0, 12).map(plain)];
  const more = changes.length > 12 ? [`and ${changes.length - 12} more`] : [];
  return `| ${code(name)} | ${images} | ${[...words, ...more].join("; ")} |`;
}

function others(changes: readonly ResourceChange[]): string {
  const areas = [...new Set(changes.map(({ area }) => area))];
  return areas
    .map((area) => {
      const lines = changes
        .filter((change) => change.area === area)
        .map(
          ({ action, kind, name, changes: places }) =>
            `- ${action} ${plain(kind)} ${code(name)}${places.length === 0 ? "" : `: ${places.slice(0, 8).map(code).join(", ")}${places.length > 8 ? ` and ${places.length - 8} more` : ""}`}`,
        );
      // An installation is many.
      const text = list(lines);
      return lines.length > mostOpenLines ? folded(`<b>${area}</b>: ${lines.length}`, text) : `**${area}**\n\n${text}`;
    })
    .join("\n\n");
}

function limits(all: readonly string[]): string {
  return all.length === 0 ? "" : `Not looked at:\n\n${list(all.map((text) => `- ${plain(text)}`))}`;
}

function properties({ properties: all }: StackPreview): string {
  if (all.length === 0) return "";
  return fenced(
    all.map(({ kind, name, lines }) => `${kind} ${name}\n${lines.map((line) => `  ${line}`).join("\n")}`).join("\n"),
    "",
  );
}

function list(lines: readonly string[]): string {
  if (lines.length <= mostLines) return lines.join("\n");
  return [...lines.slice(0, mostLines), `- … and ${lines.length - mostLines} more`].join("\n");
}

function folded(summaryText: string, content: string): string {
  return content === "" ? "" : `<details><summary>${summaryText}</summary>\n\n${content}\n\n</details>`;
}

function cut(message: string): string {
  return message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message;
}
