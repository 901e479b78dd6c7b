import { errorMessage } from "../../../core/error.ts";
import { retry } from "../../../core/retry.ts";
import { CommandError, type CommandContext } from "../../command.ts";

/** What a pipeline continues with after its setup job. */
export interface PipelinePart {
  /** As YAML. */
  readonly configuration: string;
  readonly parameters: Readonly<Record<string, string | number>>;
}

const keyVariable = "CIRCLE_CONTINUATION_KEY";
/** Between attempts, in milliseconds. */
const pauses = [1000, 3000, 9000];

/**
 * Continues the pipeline that a setup job runs in. It can be done once.
 * Source: https://circleci.com/docs/api/v2/#operation/continuePipeline
 *
 * @param api the base URL of CircleCI's API
 * @throws CommandError if it is refused, or cannot be reached
 */
export async function continuePipeline(
  api: string,
  { configuration, parameters }: PipelinePart,
  { environment, signal, note }: Pick<CommandContext, "environment" | "signal" | "note">,
): Promise<void> {
  const key = environment[keyVariable];
  if (key === undefined || key === "")
    throw new CommandError(
      `${keyVariable} is not set: only a job of a setup configuration (\`setup: true\`) can continue a pipeline, and the project must allow setup workflows; --print shows the configuration instead`,
    );
  const body = JSON.stringify({ "continuation-key": key, configuration, parameters });
  // CircleCI may repeat the key, which continues the pipeline for whoever reads it.
  const reasonOf = (error: unknown): string => errorMessage(error).replaceAll(key, "***");
  try {
    await retry(() => post(`${api}/pipeline/continue`, body, signal), {
      pauses,
      isTransient: (error) => error instanceof FailedRequest && error.isTransient,
      onRetry: (error, pause) => note(`${reasonOf(error)}; trying again in ${pause / 1000} s`),
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw new CommandError("interrupted", { cause: error });
    throw new CommandError(`${api} does not continue the pipeline: ${reasonOf(error)}`, { cause: error });
  }
}

class FailedRequest extends Error {
  override readonly name = "FailedRequest";
  /** Whether another attempt may go better. */
  readonly isTransient: boolean;

  constructor(message: string, isTransient: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isTransient = isTransient;
  }
}

/** @throws FailedRequest */
async function post(url: string, body: string, signal: AbortSignal): Promise<void> {
  const answer = async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    });
    return { ok: response.ok, status: response.status, text: await response.text() };
  };
  const { ok, status, text } = await answer().catch((error: unknown) => {
    throw new FailedRequest(withCause(error), true, { cause: error });
  });
  if (!ok) throw new FailedRequest(`HTTP ${status}: ${messageIn(text)}`, status >= 500 || status === 429);
}

/** CircleCI says what is wrong as `{"message": …}`. */
function messageIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "message" in body) return String(body.message);
  } catch {
    // A proxy may answer with a page of its own.
  }
  return text.slice(0, 300).trim() || "no reason given";
}

/** `fetch` says only "fetch failed", and why in its cause. */
function withCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
