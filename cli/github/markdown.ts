/** Characters that reorder or hide what stands beside them, and so could make a diff look harmless. */
const deceiving = /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/**
 * What GitHub looks for in a text once its Markdown is HTML, when neither a backslash nor `&#64;` counts any more: mentions,
 * references to issues, addresses. An empty comment in it parts the text. On the page, and in what is copied from there, it
 * leaves no trace, as an invisible character would.
 */
const references = String.raw`[@#]|:(?=//)|(?<=\bwww)(?=\.)|\bGH-(?=\d)`;
const parting = "<!-- -->";
const special = new RegExp(String.raw`(${references})|[^\p{L}\p{N} .,:/;()"'=+–→…-]`, "giu");

/** Text within Markdown: nothing in it is markup, a mention, a link or the end of a table's cell. */
export function plain(text: string): string {
  const line = visible(text.replaceAll(/\s+/g, " "));
  return line.replaceAll(special, (character, reference?: string) =>
    reference === undefined ? `&#${character.codePointAt(0)};` : `${reference}${parting}`,
  );
}

/** The same as code. A span of backticks would leave the cell at a pipe. */
export function code(text: string): string {
  return text === "" ? "" : `<code>${plain(text)}</code>`;
}

/** A block of code, in which nothing is markup: its fence is longer than any in the text. */
export function fenced(text: string, language: string): string {
  const content = text.split("\n").map(visible).join("\n");
  const longest = Math.max(0, ...[...content.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${content}\n${fence}`;
}

function visible(line: string): string {
  return line
    .replaceAll("\t", "  ")
    .replaceAll(deceiving, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Parentheses would end the link. */
export function escapeUrl(link: string): string {
  if (!URL.canParse(link) || !/^https?:/.test(link)) return "#";
  return new URL(link).href.replaceAll("(", "%28").replaceAll(")", "%29");
}

export function folded(summary: string, content: string): string {
  return content === "" ? "" : `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}
