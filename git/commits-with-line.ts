import type { Git } from "./git-command.ts";

/**
 * The newest commit behind a head, or the head itself, whose message has this line; `undefined`: none.
 * @param line as it is in the message, from its beginning to its end
 */
export async function commitWithLine(git: Git, head: string, line: string): Promise<string | undefined> {
  const output = await git(["log", "-z", "--format=%H%n%B", "--fixed-strings", `--grep=${line}`, head, "--"]);
  // The expression finds it anywhere in a line.
  const found = output
    .toString()
    .split("\0")
    .map((text) => text.split("\n"))
    .find(([, ...lines]) => lines.includes(line));
  return found?.[0];
}
