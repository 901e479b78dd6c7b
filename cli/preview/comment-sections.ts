import { code, fenced, folded, plain } from "../github/markdown.ts";
import type { Loss, ServiceChange, StackPreview } from "./model.ts";

/** A part of an environment's report, in a given verbosity; an empty text where there is nothing to say. */
export type SectionText = (preview: StackPreview, verbosity: Verbosity) => string;

/** Longer lists are folded. */
const mostOpenLines = 10;

export const errors: SectionText = ({ errors: problems }, verbosity) => {
  if (problems.length === 0) return "";
  const { shown, more } = firstOf(problems, verbosity.lines);
  const texts = [...shown.map((text) => truncate(text, verbosity)), ...(more === 0 ? [] : [`… and ${more} more`])];
  return `> [!CAUTION]\n> Errors\n\n${fenced(texts.join("\n\n"), "")}`;
};

export const policies: SectionText = ({ policies: violations }, verbosity) => {
  if (violations.length === 0) return "";
  // Of a list that is cut, those that fail the preview stay.
  const lines = violations
    .toSorted((one, other) => Number(other.mandatory) - Number(one.mandatory))
    .map(
      ({ policy, mandatory, service, resource, file, message }) =>
        `- ${mandatory ? "**mandatory** " : ""}${service === "" ? "" : `${code(service)} `}${code(policy)}${resource === "" ? "" : ` ${code(resource)}`}${file === "" ? "" : ` in ${code(file)}`}: ${plain(truncate(message, verbosity))}`,
    );
  const mandatory = violations.some((violation) => violation.mandatory);
  return `> [!${mandatory ? "CAUTION" : "WARNING"}]\n> Policies are violated\n\n${bulletList(lines, verbosity)}`;
};

export const losses: SectionText = ({ losses: all }, verbosity) => {
  if (all.length === 0) return "";
  const lines = all.map((loss) => lossLine(loss, verbosity));
  const counts = (["replace", "delete"] as const).map((action) => all.filter((loss) => loss.action === action).length);
  return `> [!WARNING]\n> ${counts[0]} to replace, ${counts[1]} to delete\n\n${bulletList(lines, verbosity)}`;
};

function lossLine({ action, kind, name, area, reasons }: Loss, verbosity: Verbosity): string {
  const why =
    action === "replace"
      ? `because of ${reasons.length === 0 ? "a property that cannot be changed in place" : joinDetails(reasons.map(code), verbosity, ", ")}`
      : "no longer declared";
  return `- **${action === "replace" ? "Replaced" : "Deleted"}**: ${plain(kind)} ${code(name)} (${area}): ${why}`;
}

export const services: SectionText = ({ services: changed, unchanged }, verbosity) => {
  const rest =
    unchanged.length === 0 ? "" : `${unchanged.length} ${unchanged.length === 1 ? "service" : "services"} unchanged.`;
  if (changed.length === 0) return rest;
  const { shown, more } = firstOf(changed, verbosity.lines);
  const rows = shown.map((service) => serviceRow(service, verbosity));
  return [
    `| service | image | changes |\n| --- | --- | --- |\n${rows.join("\n")}`,
    more === 0 ? "" : `… and ${more} more services.`,
    rest,
  ]
    .filter(Boolean)
    .join("\n\n");
};

function serviceRow({ name, state, image, changes }: ServiceChange, verbosity: Verbosity): string {
  const images =
    image === undefined
      ? ""
      : image.before === image.after
        ? code(image.after)
        : `${code(image.before)} → ${code(image.after)}`;
  const { shown, more } = firstOf(changes, verbosity.details);
  const parts = [
    ...(state === "changed" ? [] : [`**${state}**`]),
    ...shown.map((text) => plain(truncate(text, verbosity))),
  ];
  return `| ${code(name)} | ${images} | ${[...parts, ...(more === 0 ? [] : [`and ${more} more`])].join("; ")} |`;
}

export const builds: SectionText = ({ builds: names }, verbosity) => {
  if (names.length === 0) return "";
  const [what, it] = names.length === 1 ? ["the image", "it"] : ["the images", "them"];
  return `The update builds ${what} of ${joinDetails(names.map(code), verbosity, ", ")}, and does not release ${it}.`;
};

export const untested: SectionText = ({ untested: names }, verbosity) =>
  names.length === 0
    ? ""
    : `CI tests nothing of ${joinDetails(names.map(code), verbosity, ", ")}, as \`test: none\` says.`;

export const others: SectionText = ({ others: changes }, verbosity) => {
  const areas = [...new Set(changes.map(({ area }) => area))];
  return areas
    .map((area) => {
      const lines = changes
        .filter((change) => change.area === area)
        .map(
          ({ action, kind, name, changes: keys }) =>
            `- ${action} ${plain(kind)} ${code(name)}${keys.length === 0 ? "" : `: ${joinDetails(keys.map(code), verbosity, ", ")}`}`,
        );
      // Argo CD's installation has many resources.
      const text = bulletList(lines, verbosity);
      return lines.length > mostOpenLines ? folded(`<b>${area}</b>: ${lines.length}`, text) : `**${area}**\n\n${text}`;
    })
    .join("\n\n");
};

export const limits: SectionText = ({ limits: all }, verbosity) =>
  all.length === 0 ? "" : `Not looked at:\n\n${bulletList(messages(all, verbosity), verbosity)}`;

/** Pods with more rights are among them, which a reviewer must see: only a long list is folded. */
export const warnings: SectionText = ({ warnings: all }, verbosity) => {
  if (all.length === 0) return "";
  const text = bulletList(messages(all, verbosity), verbosity);
  return all.length > mostOpenLines ? folded(`Warnings: ${all.length}`, text) : `> [!WARNING]\n> Warnings\n\n${text}`;
};

export function properties({ properties: all }: StackPreview): string {
  const blocks = all.map(({ kind, name, lines }) =>
    [`${kind} ${name}`, ...lines.map((line) => `  ${line}`)].join("\n"),
  );
  return blocks.length === 0 ? "" : folded("Every property", fenced(blocks.join("\n"), ""));
}

function messages(texts: readonly string[], verbosity: Verbosity): string[] {
  return texts.map((text) => `- ${plain(truncate(text, verbosity))}`);
}

/** How much of what it has to say a part of the report says. */
interface Verbosity {
  /** Lines of one list; it then says how many more there are. */
  readonly lines: number;
  /** Details in one line, e.g. the changes of a service. */
  readonly details: number;
  /** Characters of one message. */
  readonly message: number;
}

/** From the fullest to the shortest, which is short enough for any report. */
export const verbosities: readonly Verbosity[] = [
  { lines: 100, details: 12, message: 4_000 },
  { lines: 100, details: 3, message: 1_000 },
  { lines: 20, details: 3, message: 1_000 },
  { lines: 5, details: 2, message: 300 },
];

/** The first lines, and how many more there are. */
function bulletList(lines: readonly string[], verbosity: Verbosity): string {
  const { shown, more } = firstOf(lines, verbosity.lines);
  return [...shown, ...(more === 0 ? [] : [`- … and ${more} more`])].join("\n");
}

/** The first details in one line, and how many more there are. */
function joinDetails(all: readonly string[], verbosity: Verbosity, separator: string): string {
  const { shown, more } = firstOf(all, verbosity.details);
  return `${shown.join(separator)}${more === 0 ? "" : ` and ${more} more`}`;
}

function firstOf<T>(all: readonly T[], most: number): { shown: readonly T[]; more: number } {
  return { shown: all.slice(0, most), more: Math.max(0, all.length - most) };
}

function truncate(text: string, { message }: Verbosity): string {
  // Do not cut a surrogate pair in two.
  return text.length > message ? `${text.slice(0, message).replace(/[\ud800-\udbff]$/, "")}…` : text;
}

/** A part of a comment. */
export interface Section {
  /** The text in full, then the shorter ones, where there are some. */
  readonly texts: readonly string[];
  /** Its name in the note that says what was cut. */
  readonly title: string;
  /** Where there is no room for all, sections of a low rank are kept longest, and left out last. */
  readonly rank: number;
  /** Whether its shortest text comes before the longer texts of all others. */
  readonly essential: boolean;
}

/** The titles of the sections that are not there in full. */
export interface CutSections {
  readonly leftOut: readonly string[];
  readonly shortened: readonly string[];
}

/**
 * Joins the sections. Where there is no room for all of them in full, the essential ones are there in short at least, and
 * those of the lowest rank grow first; what does not fit in any length is left out.
 */
export function fitSections(sections: readonly Section[], limit: number, note: (cut: CutSections) => string): string {
  const whole = joinSections(sections.map(({ texts }) => texts[0] ?? ""));
  if (whole.length <= limit) return whole;
  // The longest note that there can be: it names kinds of sections, not each of them.
  const all = titlesOf(sections);
  const room = limit - note({ leftOut: all, shortened: all }).length - sectionSeparator.length;
  const chosen = chooseTexts(sections, room);
  const leftOut = sections.filter((section) => !chosen.has(section));
  const shortened = sections.filter((section) => chosen.has(section) && chosen.get(section) !== section.texts[0]);
  const kept = sections.flatMap((section) => chosen.get(section) ?? []);
  return joinSections([...kept, note({ leftOut: titlesOf(leftOut), shortened: titlesOf(shortened) })]);
}

/** The text of each section that fits. */
function chooseTexts(sections: readonly Section[], room: number): ReadonlyMap<Section, string> {
  const chosen = new Map<Section, string>();
  const left = { characters: room };
  const sizeOf = (text: string | undefined): number => (text === undefined ? 0 : text.length + sectionSeparator.length);
  const choose = (section: Section, texts: readonly string[]): void => {
    const current = sizeOf(chosen.get(section));
    const text = texts.find((one) => sizeOf(one) - current <= left.characters);
    if (text === undefined) return;
    left.characters -= sizeOf(text) - current;
    chosen.set(section, text);
  };
  const byImportance = sections.toSorted((one, other) => one.rank - other.rank);
  for (const section of byImportance) if (section.essential) choose(section, section.texts.slice(-1));
  for (const section of byImportance) choose(section, section.texts);
  return chosen;
}

const sectionSeparator = "\n\n";

function joinSections(texts: readonly string[]): string {
  return texts.join(sectionSeparator);
}

/** Each title once, with how often it is there. */
function titlesOf(sections: readonly Section[]): string[] {
  const titles = sections.map(({ title }) => title);
  return [...new Set(titles)].map((title) => {
    const count = titles.filter((other) => other === title).length;
    return count === 1 ? title : `${title} (${count})`;
  });
}
