import { code, plain, escapeUrl } from "../github/markdown.ts";
import { commentMarker, ownComments, putStickyComment } from "../github/sticky-comment.ts";
import type { GitHub } from "../github/github.ts";
import type { Reaction } from "../github/chat.ts";

/** What has become of a line of a comment. */
export interface LineAnswer {
  /** The line, as it was written. */
  readonly line: string;
  /** `refused`: whoever wrote it may not, or it makes no sense there; `failed`: it was tried. */
  readonly outcome: "done" | "refused" | "failed";
  /** A sentence. */
  readonly answer: string;
}

/** The answer to a comment. */
export interface CommentAnswer {
  readonly comment: number;
  readonly url: string;
  readonly author: string;
  readonly lines: readonly LineAnswer[];
}

/** Why a command is not carried out, in a sentence for whoever has written it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

export function reactionOf({ lines }: CommentAnswer): Reaction {
  if (lines.some(({ outcome }) => outcome === "failed")) return "confused";
  return lines.some(({ outcome }) => outcome === "refused") ? "-1" : "+1";
}

/** A pull request has one comment with the answers to all others. */
export const answersMarker = commentMarker("commands");

/** Answers that it keeps: GitHub takes 65,536 characters. */
const keptAnswers = 25;
/** Characters of a sentence: a command that fails may say much. */
const longestAnswer = 1_200;

function answerMarker(comment: number): string {
  return commentMarker(`command ${comment}`);
}

/** Whether a comment is answered already. */
export async function isAnswered(github: GitHub, number: number, comment: number): Promise<boolean> {
  const own = await ownComments(github, number, answersMarker);
  return own.some(({ body }) => body.includes(answerMarker(comment)));
}

/** Adds the answer to those of the pull request; what is answered already stays as it is. */
export async function putAnswer(github: GitHub, number: number, answer: CommentAnswer): Promise<void> {
  const [own] = await ownComments(github, number, answersMarker);
  const before = own === undefined ? [] : entriesOf(own.body);
  if (before.some((entry) => entry.startsWith(answerMarker(answer.comment)))) return;
  const entries = [...before, entryOf(answer)].slice(-keptAnswers);
  await putStickyComment(github, number, answersMarker, `## Commands\n\n${entries.join("\n")}\n`);
}

function entriesOf(body: string): string[] {
  return body
    .split(/^(?=<!-- delivery:command \d+ -->)/m)
    .slice(1)
    .map((entry) => entry.trimEnd());
}

const marks = { done: "✓", refused: "✗", failed: "⚠" } as const;

function entryOf({ comment, url, author, lines }: CommentAnswer): string {
  const items = lines.map(({ line, outcome, answer }) => {
    const text = answer.length > longestAnswer ? `${answer.slice(0, longestAnswer)} …` : answer;
    return `  - ${marks[outcome]} ${code(line)}: ${plain(text)}`;
  });
  return [answerMarker(comment), `- [${plain(author)}](${escapeUrl(url)})`, ...items].join("\n");
}
