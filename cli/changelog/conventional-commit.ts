import { CommitParser } from "conventional-commits-parser";

/** What the message of a commit says, by https://www.conventionalcommits.org/en/v1.0.0/ where it keeps to that. */
export interface DescribedCommit {
  /** In lower case, e.g. `feat`; `null`: the message keeps to no convention. */
  readonly type: string | null;
  readonly scope: string | null;
  /** The first line without type, scope, and the number of the pull request. */
  readonly subject: string;
  /** What the commit breaks, in its own words; `null`: nothing. */
  readonly breaking: string | null;
}

// The parser's own patterns know no `!`, so that `feat!: …` would be of no type and break nothing.
const parser = new CommitParser({
  headerPattern: /^([A-Za-z]+)(?:\(([^()]+)\))?!?: +(.+)$/,
  breakingHeaderPattern: /^([A-Za-z]+)(?:\(([^()]+)\))?!: +(.+)$/,
  headerCorrespondence: ["type", "scope", "subject"],
  noteKeywords: ["BREAKING CHANGE", "BREAKING-CHANGE"],
});

/** @param message the whole of it */
export function describeCommit(message: string): DescribedCommit {
  const [header = ""] = message.split("\n");
  // The parser throws at a message without text, which Git allows.
  if (header.trim() === "") return { type: null, scope: null, subject: "(no message)", breaking: null };
  const { type, scope, subject, notes } = parser.parse(message);
  // In the footer, only capitals count; the parser does not mind.
  const breaking = notes.find(({ title }) => title === title.toUpperCase())?.text.trim();
  return {
    type: type?.toLowerCase() ?? null,
    scope: scope ?? null,
    subject: (subject ?? header).replace(squashed, ""),
    breaking: breaking === undefined ? null : (breaking.split("\n\n")[0] ?? "").replaceAll("\n", " "),
  };
}

/** As GitHub ends the first line of a squashed pull request. */
const squashed = / \(#(\d+)\)$/;
/** As GitHub begins the message of a merge. */
const merged = /^Merge pull request #(\d+) from /;

/** The pull request that one commit on its base branch brings in, by the message that GitHub gives that. */
export function pullRequestOf(message: string): { readonly number: number; readonly isMerge: boolean } | undefined {
  const [header = ""] = message.split("\n");
  const isMerge = merged.test(header);
  const number = (merged.exec(header) ?? squashed.exec(header))?.[1];
  return number === undefined ? undefined : { number: Number(number), isMerge };
}

/** How much a change is for those who use it, as semantic versions count it. */
export type Bump = "major" | "minor" | "patch";

/** Also what keeps to no convention makes a version: what is released is another image. */
export function bumpOf({ type, breaking }: Pick<DescribedCommit, "type" | "breaking">): Bump {
  if (breaking !== null) return "major";
  return type === "feat" ? "minor" : "patch";
}
