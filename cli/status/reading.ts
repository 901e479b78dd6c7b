import { errorMessage, NotReachableError } from "../../core/error.ts";
import { withoutLogins } from "../../git/git-credentials.ts";
import { UnreachableError } from "../../kubernetes/errors.ts";

/** What one part of the pipeline has answered, or why it has not. */
export type Reading<T> = { readonly value: T } | { readonly reason: string; readonly state: "failed" | "unknown" };

/**
 * Asks one part of the pipeline; never throws, and ends in time.
 * @param ask gets a signal that aborts once the time is over
 */
export async function readingOf<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  milliseconds: number,
): Promise<Reading<T>> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new NotReachableError(`no answer within ${milliseconds / 1000} s`));
      limit.abort();
    }, milliseconds);
  });
  try {
    return { value: await Promise.race([ask(limit.signal), late]) };
  } catch (error) {
    return { reason: reasonOf(error), state: isUnreachable(error) ? "unknown" : "failed" };
  } finally {
    clearTimeout(timer);
  }
}

function isUnreachable(error: unknown): boolean {
  if (error instanceof NotReachableError || error instanceof UnreachableError) return true;
  return (
    error instanceof Error &&
    (/cannot be reached/.test(error.message) || ["AbortError", "TimeoutError"].includes(error.name))
  );
}

/** One line for people, without the credentials that servers may repeat. */
export function reasonOf(error: unknown): string {
  return oneLine(errorMessage(error));
}

/** The first line, bounded, without credentials in URLs and without control characters. */
export function oneLine(text: string): string {
  const [first = ""] = text.trim().split("\n");
  const plain = withoutLogins(first)
    .replaceAll(/\p{Cc}/gu, " ")
    .replace(/; nothing was changed$/, "");
  return plain.length > 300 ? `${plain.slice(0, 299)}…` : plain;
}
