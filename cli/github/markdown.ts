/** Characters that reorder or hide their neighbours, and so could make a diff look harmless. */
const deceiving = /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/**
 * What GitHub turns into links once the Markdown is HTML, where neither a backslash nor `&#64;` prevents it: mentions,
 * references to issues, addresses. An empty comment within the text does; unlike an invisible character, it is not in what
 * is copied from the page.
 */
const references = String.raw`[@#]|:(?=//)|(?<=\bwww)(?=\.)|\bGH-(?=\d)`;
const separator = "<!-- -->";
const special = new RegExp(String.raw`(${references})|[^\p{L}\p{N} .,:/;()"'=+–→…-]`, "giu");

/** Text within Markdown: nothing in it is markup, a mention, a link or the end of a table's cell. */
export function plain(text: string): string {
  const line = visible(text.replaceAll(/\s+/g, " "));
  return line.replaceAll(special, (character, reference?: string) =>
    reference === undefined ? `&#${character.codePointAt(0)};` : `${reference}${separator}`,
  );
}

/** The same as code. In a table, a pipe would end a span of backticks. */
export function code(text: string): string {
  return text === "" ? "" : `<code>${plain(text)}</code>`;
}

/** A block of code, in which nothing is markup: its fence is longer than any run of backticks in the text. */
export function fenced(text: string, language: string): string {
  const content = text.split("\n").map(visible).join("\n");
  const longest = Math.max(0, ...[...content.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${content}\n${fence}`;
}

/** Deceiving characters are shown by their code. */
function visible(line: string): string {
  return line
    .replaceAll("\t", "  ")
    .replaceAll(deceiving, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** A URL as the target of a link, which parentheses would end. */
export function escapeUrl(link: string): string {
  if (!URL.canParse(link) || !/^https?:/.test(link)) return "#";
  return new URL(link).href.replaceAll("(", "%28").replaceAll(")", "%29");
}

/** A section that readers have to open; nothing where the content is empty. */
export function folded(summary: string, content: string): string {
  return content === "" ? "" : `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}
