/** The simple commands of a shell's command line, as words without quotes; `(` and `)` are commands of their own. */
export function shellCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(tokens)) {
    if (token === "(" || token === ")") commands.push([token], []);
    else if (/^[;|&\n]+$/.test(token)) commands.push([]);
    else commands.at(-1)?.push(unquoted(token));
  }
  return commands.filter((words) => words.length > 0);
}

const quoted = String.raw`"(?:[^"\\]|\\[^])*"|'[^']*'`;
const tokens = new RegExp(
  String.raw`(?:[^\s"';|&()$\x60\\]|\\[^]|${quoted}|\$\([^)]*\)|\x60[^\x60]*\x60|\$)+|[;|&\n]+|[()]`,
  "g",
);

function unquoted(token: string): string {
  return token.replaceAll(new RegExp(`${quoted}|\\\\[^]`, "g"), (part) =>
    /^["']/.test(part) ? part.slice(1, -1) : part.slice(1),
  );
}
