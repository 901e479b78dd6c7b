import { code, fenced, plain } from "./escape.ts";
import { cut, details, firstOf, list, type Extent } from "./extent.ts";
import type { Loss, ServiceChange, StackPreview } from "./model.ts";

/** A part of an environment's report, in a given extent; empty: there is nothing to say. */
export type SectionText = (preview: StackPreview, extent: Extent) => string;

/** A list that is longer is folded. */
const mostOpenLines = 10;

export const errors: SectionText = ({ errors: problems }, extent) => {
  if (problems.length === 0) return "";
  const { shown, more } = firstOf(problems, extent.lines);
  const texts = [...shown.map((text) => cut(text, extent)), ...(more === 0 ? [] : [`… and ${more} more`])];
  return `> [!CAUTION]\n> Errors\n\n${fenced(texts.join("\n\n"), "")}`;
};

export const policies: SectionText = ({ policies: violations }, extent) => {
  if (violations.length === 0) return "";
  // Of a list that is cut, those that fail the preview stay.
  const lines = violations
    .toSorted((one, other) => Number(other.mandatory) - Number(one.mandatory))
    .map(
      ({ policy, mandatory, resource, message }) =>
        `- ${mandatory ? "**mandatory** " : ""}${code(policy)}${resource === "" ? "" : ` ${code(resource)}`}: ${plain(cut(message, extent))}`,
    );
  const mandatory = violations.some((violation) => violation.mandatory);
  return `> [!${mandatory ? "CAUTION" : "WARNING"}]\n> Policies are violated\n\n${list(lines, extent)}`;
};

export const losses: SectionText = ({ losses: all }, extent) => {
  if (all.length === 0) return "";
  const lines = all.map((loss) => lossLine(loss, extent));
  const counts = (["replace", "delete"] as const).map((action) => all.filter((loss) => loss.action === action).length);
  return `> [!WARNING]\n> ${counts[0]} to replace, ${counts[1]} to delete\n\n${list(lines, extent)}`;
};

function lossLine({ action, kind, name, area, reasons }: Loss, extent: Extent): string {
  const why =
    action === "replace"
      ? `because of ${reasons.length === 0 ? "a property that cannot be changed in place" : details(reasons.map(code), extent, ", ")}`
      : "no longer declared";
  return `- **${action === "replace" ? "Replaced" : "Deleted"}**: ${plain(kind)} ${code(name)} (${area}): ${why}`;
}

export const services: SectionText = ({ services: changed, unchanged }, extent) => {
  const rest =
    unchanged.length === 0 ? "" : `${unchanged.length} ${unchanged.length === 1 ? "service" : "services"} unchanged.`;
  if (changed.length === 0) return rest;
  const { shown, more } = firstOf(changed, extent.lines);
  const rows = shown.map((service) => row(service, extent));
  return [
    `| service | image | changes |\n| --- | --- | --- |\n${rows.join("\n")}`,
    more === 0 ? "" : `… and ${more} more services.`,
    rest,
  ]
    .filter(Boolean)
    .join("\n\n");
};

function row({ name, state, image, changes }: ServiceChange, extent: Extent): string {
  const images =
    image === undefined
      ? ""
      : image.before === image.after
        ? code(image.after)
        : `${code(image.before)} → ${code(image.after)}`;
  const { shown, more } = firstOf(changes, extent.details);
  const words = [...(state === "changed" ? [] : [`**${state}**`]), ...shown.map((text) => plain(cut(text, extent)))];
  return `| ${code(name)} | ${images} | ${[...words, ...(more === 0 ? [] : [`and ${more} more`])].join("; ")} |`;
}

export const builds: SectionText = ({ builds: names }, extent) => {
  if (names.length === 0) return "";
  const [what, it] = names.length === 1 ? ["the image", "it"] : ["the images", "them"];
  return `The update builds ${what} of ${details(names.map(code), extent, ", ")}, and does not release ${it}.`;
};

export const others: SectionText = ({ others: changes }, extent) => {
  const areas = [...new Set(changes.map(({ area }) => area))];
  return areas
    .map((area) => {
      const lines = changes
        .filter((change) => change.area === area)
        .map(
          ({ action, kind, name, changes: places }) =>
            `- ${action} ${plain(kind)} ${code(name)}${places.length === 0 ? "" : `: ${details(places.map(code), extent, ", ")}`}`,
        );
      // An installation is many.
      const text = list(lines, extent);
      return lines.length > mostOpenLines ? folded(`<b>${area}</b>: ${lines.length}`, text) : `**${area}**\n\n${text}`;
    })
    .join("\n\n");
};

export const limits: SectionText = ({ limits: all }, extent) =>
  all.length === 0 ? "" : `Not looked at:\n\n${list(messages(all, extent), extent)}`;

export const warnings: SectionText = ({ warnings: all }, extent) =>
  folded("Warnings", list(messages(all, extent), extent));

export function properties({ properties: all }: StackPreview): string {
  const blocks = all.map(({ kind, name, lines }) =>
    [`${kind} ${name}`, ...lines.map((line) => `  ${line}`)].join("\n"),
  );
  return blocks.length === 0 ? "" : folded("Every property", fenced(blocks.join("\n"), ""));
}

function messages(texts: readonly string[], extent: Extent): string[] {
  return texts.map((text) => `- ${plain(cut(text, extent))}`);
}

export function folded(summary: string, content: string): string {
  return content === "" ? "" : `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}
