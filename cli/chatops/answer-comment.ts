import { errorMessage } from "../../core/error.ts";
import { chainFrom, readOrigins } from "../ci-config/environment-chain.ts";
import type { CommandContext } from "../command.ts";
import type { ChatComment } from "../github/chat.ts";
import { Project } from "../project/stack-file.ts";
import { approve } from "./actions/approve.ts";
import { hold } from "./actions/hold.ts";
import { okToTest } from "./actions/ok-to-test.ts";
import { preview } from "./actions/preview.ts";
import { promote } from "./actions/promote.ts";
import { retest } from "./actions/retest.ts";
import { rollback } from "./actions/rollback.ts";
import { isAnswered, putAnswer, reactionOf, Refusal, type LineAnswer } from "./answers.ts";
import { chatLines, type ChatCommand, type ChatLine } from "./chat-command.ts";
import type { ChatPlaces, ChatRepository, ChatRequest } from "./chat-context.ts";

/** Who answers, and with what. */
export interface AnswerArgs {
  readonly places: ChatPlaces;
  /** The first environment. */
  readonly first: string;
  /** Without the secret of webhooks: what commands run gets its environment. */
  readonly context: CommandContext;
  readonly checks: readonly string[];
  /** Comments that are older are not answered any more, in milliseconds. */
  readonly longestAge: number;
}

/** A comment that has been heard of. */
export interface HeardComment {
  readonly repository: ChatRepository;
  /** As it was heard of. */
  readonly comment: ChatComment;
  /** Nobody listened when it was written. */
  readonly late: boolean;
  /** The commit that the pull request had when it came, which others may change while it waits. @default not known */
  readonly heardAt?: Promise<string | undefined>;
}

/**
 * Answers a comment once: by a reaction to it, and in the one comment with all answers. Whoever is stopped in between answers it
 * when started again; what it asks for is then done already, or done again where that changes nothing.
 * @returns what is to be logged; `undefined`: it asks for nothing
 */
export async function answerComment(heard: HeardComment, args: AnswerArgs): Promise<string | undefined> {
  const { repository, comment } = heard;
  const { id, number, author, url } = comment;
  const lines = chatLines(comment.body);
  // Only people command; what this program writes itself quotes commands.
  if (lines.length === 0 || author === undefined || author.type !== "User" || !isOfPullRequest(url)) return undefined;
  const what = `${repository.name}#${number}, comment ${id} of ${author.login}`;
  const self = await repository.github.login();
  if (author.login === self) return undefined;
  if (Date.now() - Date.parse(comment.createdAt) > args.longestAge) return `${what}: is too old to be answered`;
  if (await wasAnswered(heard, self)) return `${what}: is answered already`;
  const now = await repository.chat.comment(id);
  if (now === undefined) return `${what}: was deleted before it was answered`;
  const answers: LineAnswer[] = [];
  for (const line of lines) answers.push(await answerLine(line, { ...heard, login: author.login, now }, args));
  const answer = { comment: id, url, author: author.login, lines: answers };
  await putAnswer(repository.github, number, answer);
  await repository.chat.react(id, reactionOf(answer));
  return answers.map(({ line, outcome, answer: said }) => `${what}: ${line}: ${outcome}: ${said}`).join("\n");
}

/** By the reaction, which nobody else can take away, or where that is missing, by the answer. */
async function wasAnswered({ repository, comment }: HeardComment, self: string | undefined): Promise<boolean> {
  const { id, number } = comment;
  if (self !== undefined && (await repository.chat.reactedBy(id)).includes(self)) return true;
  return isAnswered(repository.github, number, id);
}

function isOfPullRequest(url: string): boolean {
  return /\/pull\/\d+#/.test(url);
}

interface Asked extends HeardComment {
  readonly login: string;
  /** The comment as it is now. */
  readonly now: ChatComment;
}

async function answerLine({ text, command, problem }: ChatLine, asked: Asked, args: AnswerArgs): Promise<LineAnswer> {
  const { repository, comment, late, login, now } = asked;
  try {
    // What was written is what was heard; of one that nobody has heard, only whether it is as it was written.
    if (now.body !== comment.body || (late && now.updatedAt !== now.createdAt))
      throw new Refusal("the comment was changed after it was written; write another one");
    if (!(await repository.chat.mayWrite(login)))
      throw new Refusal(`only who may write to ${repository.name} gives commands here`);
    if (command === undefined) throw new Refusal(problem ?? "it is no command");
    // Anew for each: stack files may have changed.
    const project = new Project();
    const request: ChatRequest = {
      project,
      environments: chainFrom(args.first, readOrigins(project)),
      context: args.context,
      places: args.places,
      repository,
      pullRequest: await repository.github.pullRequest(comment.number),
      login,
      url: comment.url,
      heardAt: await asked.heardAt,
      checks: args.checks,
    };
    return { line: text, outcome: "done", answer: await carryOut(command, request) };
  } catch (error) {
    if (args.context.signal.aborted) throw error;
    return { line: text, outcome: error instanceof Refusal ? "refused" : "failed", answer: errorMessage(error) };
  }
}

function carryOut(command: ChatCommand, request: ChatRequest): Promise<string> {
  switch (command.kind) {
    case "retest":
      return retest(command, request);
    case "preview":
      return preview(command, request);
    case "promote":
      return promote(command, request);
    case "rollback":
      return rollback(command, request);
    case "hold":
    case "unhold":
      return hold({ kind: command.kind }, request);
    case "approve":
      return approve(command, request);
    case "ok-to-test":
      return okToTest(command, request);
  }
}
