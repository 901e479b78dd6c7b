import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, type CommandContext } from "../command.ts";

export interface Continuation {
  /** What the pipeline goes on with, as YAML. */
  readonly configuration: string;
  readonly parameters: Readonly<Record<string, string | number>>;
}

const keyVariable = "CIRCLE_CONTINUATION_KEY";
/** Between tries, in milliseconds. */
const pauses = [1000, 3000, 9000];

/**
 * Goes on with the pipeline that a setup job runs in. It can be done once.
 * Source: https://circleci.com/docs/api/v2/#operation/continuePipeline
 *
 * @param api the base URL of CircleCI's API
 * @throws CommandError if it is refused, or cannot be reached
 */
export async function continuePipeline(
  api: string,
  { configuration, parameters }: Continuation,
  { environment, signal, note }: Pick<CommandContext, "environment" | "signal" | "note">,
): Promise<void> {
  const key = environment[keyVariable];
  if (key === undefined || key === "")
    throw new CommandError(
      `${keyVariable} is not set: only a job of a setup configuration (\`setup: true\`) can continue a pipeline, and the project must allow setup workflows; --print shows the configuration instead`,
    );
  const body = JSON.stringify({ "continuation-key": key, configuration, parameters });
  for (const pause of [...pauses, undefined]) {
    const problem = await post(`${api}/pipeline/continue`, body, signal);
    if (problem === undefined) return;
    if (pause === undefined || !problem.passing)
      throw new CommandError(`${api} does not continue the pipeline: ${problem.message.replaceAll(key, "***")}`);
    note(`${problem.message.replaceAll(key, "***")}; trying again in ${pause / 1000} s`);
    await sleep(pause, undefined, { signal });
  }
}

interface Problem {
  readonly message: string;
  /** Whether another try may go better. */
  readonly passing: boolean;
}

/** @returns `undefined`: done */
async function post(url: string, body: string, signal: AbortSignal): Promise<Problem | undefined> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    });
    const text = await answer.text();
    if (answer.ok) return undefined;
    return {
      message: `HTTP ${answer.status}: ${messageIn(text)}`,
      passing: answer.status >= 500 || answer.status === 429,
    };
  } catch (error) {
    if (signal.aborted) throw new CommandError("interrupted", { cause: error });
    return { message: reasonOf(error), passing: true };
  }
}

/** CircleCI says what is wrong as `{"message": …}`. */
function messageIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "message" in body) return String(body.message);
  } catch {
    // Some proxy's page.
  }
  return text.slice(0, 300).trim() || "no reason given";
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
