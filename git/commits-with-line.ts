import type { Git } from "./git-command.ts";

interface SoughtMessage {
  /** How it begins. */
  readonly subject: string;
  /** One of its lines, from its beginning to its end. */
  readonly line: string;
  /** Another one. @default none */
  readonly other?: string | undefined;
}

/** The newest commit behind a head, or the head itself, with such a message; `undefined`: none. */
export async function commitWithLine(
  git: Git,
  head: string,
  { subject, line, other = line }: SoughtMessage,
): Promise<string | undefined> {
  const output = await git(["log", "-z", "--format=%H%n%B", "--fixed-strings", `--grep=${line}`, head, "--"]);
  // The expression finds it anywhere in a line.
  const found = output
    .toString()
    .split("\0")
    .map((text) => text.split("\n"))
    .find(([, ...lines]) => lines[0]?.startsWith(subject) === true && lines.includes(line) && lines.includes(other));
  return found?.[0];
}
