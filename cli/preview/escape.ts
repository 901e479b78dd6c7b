/** Characters that reorder or hide what stands beside them, and so could make a diff look harmless. */
const deceiving = /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** Text within Markdown: nothing in it is markup, a mention, a link or the end of a table's cell. */
export function plain(text: string): string {
  const line = visible(text.replaceAll(/\s+/g, " "));
  return line.replaceAll(/:(?=\/\/)|[^\p{L}\p{N} .,:/;()"'=+–→…-]/gu, (character) => `&#${character.codePointAt(0)};`);
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
