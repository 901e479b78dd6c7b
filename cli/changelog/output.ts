import { shortCommit } from "../../git/records.ts";
import { folded, plain } from "../github/markdown.ts";
import type { WebLinks } from "../github/web.ts";
import { printable } from "../status/text.ts";
import { groupChanges } from "./groups.ts";
import type { Change, ServiceChanges } from "./service-changes.ts";

/** `undefined`: the stack file names no repository on GitHub. */
export type Links = WebLinks | undefined;

/** For a terminal, which nothing in a message steers. */
export function changelogText(services: readonly ServiceChanges[], links: Links): string {
  return services
    .map((service) =>
      [heading(service), ...sections(service).flatMap((section) => textSection(section, links))].join("\n"),
    )
    .join("\n\n");
}

/** For a comment, or the description of a pull request. @param limit characters; what is beyond is counted */
export function changelogMarkdown(services: readonly ServiceChanges[], links: Links, limit: number): string {
  const parts: string[] = [];
  let left = limit;
  for (const [index, service] of services.entries()) {
    const part = folded(
      `<b>${plain(service.service)}</b>: ${plain(summary(service))}`,
      sections(service)
        .map(
          ({ title, changes }) => `**${title}**\n\n${changes.map((change) => markdownLine(change, links)).join("\n")}`,
        )
        .join("\n\n"),
    );
    const text = part === "" ? `**${plain(service.service)}**: ${plain(summary(service))}` : part;
    if (text.length > left) {
      parts.push(`… and ${services.length - index} more, which \`delivery log\` shows`);
      break;
    }
    parts.push(text);
    left -= text.length + 2;
  }
  return parts.join("\n\n");
}

interface Section {
  readonly title: string;
  readonly changes: readonly Change[];
}

function sections({ changes, takenBack }: ServiceChanges): readonly Section[] {
  return [...groupChanges(changes), ...(takenBack.length === 0 ? [] : [{ title: "Taken back", changes: takenBack }])];
}

function heading(service: ServiceChanges): string {
  const { from, to } = service;
  const range = from === null || to === null ? "" : ` ${shortCommit(from)}..${shortCommit(to)}`;
  return `${service.service}${range}: ${summary(service)}`;
}

function summary({ changes, takenBack, unknown }: ServiceChanges): string {
  if (unknown !== null) return unknown;
  if (changes.length + takenBack.length === 0) return "no commit concerns it";
  const count = (number: number, what: string): string[] =>
    number === 0 ? [] : [`${number} commit${number === 1 ? "" : "s"}${what}`];
  return [...count(changes.length, ""), ...count(takenBack.length, " taken back")].join(", ");
}

function textSection({ title, changes }: Section, links: Links): string[] {
  return [
    `  ${title}`,
    ...changes.flatMap((change) => {
      const { id, pullRequest, breaking } = change;
      const source = pullRequest === null ? "" : ` (#${pullRequest})`;
      const link = pullRequest === null ? "" : (links?.({ pullRequest }) ?? "");
      return [
        `    ${shortCommit(id)} ${printable(subjectOf(change))}${source}${link === "" ? "" : ` ${link}`}`,
        ...(breaking === null || breaking === change.subject ? [] : [`            ${printable(breaking)}`]),
      ];
    }),
  ];
}

/** What a message says is anybody's: nothing in it is markup. */
function markdownLine(change: Change, links: Links): string {
  const { id, pullRequest, breaking } = change;
  const linked = (text: string, url: string | undefined): string => (url === undefined ? text : `[${text}](${url})`);
  const source =
    pullRequest === null
      ? ""
      : ` (${linked(links === undefined ? `#<!-- -->${pullRequest}` : `#${pullRequest}`, links?.({ pullRequest }))})`;
  const note = breaking === null || breaking === change.subject ? "" : `: ${plain(breaking)}`;
  return `- ${linked(`\`${shortCommit(id)}\``, links?.({ commit: id }))} ${plain(subjectOf(change))}${source}${note}`;
}

function subjectOf({ scope, subject }: Change): string {
  return scope === null ? subject : `${scope}: ${subject}`;
}
