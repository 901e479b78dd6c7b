import { rootMessage } from "../../core/error.ts";
import { backoff, retry } from "../../core/retry.ts";
import { CommandError } from "../command.ts";

export interface FetchLimits {
  /** How often a request is sent again when the registry is busy or does not answer. @default 4 */
  readonly retries?: number;
  /** The longest pause between two attempts, in milliseconds. @default 60000 */
  readonly longestPause?: number;
  /** How long one request may take, in milliseconds. @default 30000 */
  readonly timeout?: number;
  /** Called when few requests are left before the registry's limit. */
  readonly onScarce?: (remaining: number, url: string) => void;
}

/**
 * Sends a request again when the registry cannot be reached, or answers with 5xx, or 429 and `retry-after`.
 * @throws CommandError if the registry cannot be reached, or still limits our requests at the last attempt
 */
export async function fetchWithRetry(url: string, init: RequestInit, limits: FetchLimits = {}): Promise<Response> {
  const { retries = 4, longestPause = 60_000, timeout = 30_000 } = limits;
  const { host } = new URL(url);
  const send = async (): Promise<Response> => {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeout) }).catch((error: unknown) => {
      // What is sent may itself come from somewhere that fails.
      if (error instanceof Error && error.cause instanceof CommandError) throw error.cause;
      throw new UnreachableRegistryError(
        `the registry at ${host} cannot be reached (${rootMessage(error)}); check its name and the network`,
        { cause: error },
      );
    });
    warnWhenScarce(response, url, limits);
    if (response.status !== 429 && response.status < 500) return response;
    await response.body?.cancel();
    throw new BusyError(response);
  };
  const response = await retry(send, {
    pauses: backoff(retries, 375, longestPause),
    pauseFor: (error) => {
      const requested = error instanceof BusyError ? requestedPause(error.response) : undefined;
      return requested === undefined ? undefined : Math.min(requested, longestPause);
    },
  }).catch((error: unknown) => {
    if (error instanceof BusyError) return error.response;
    throw error;
  });
  if (response.status !== 429) return response;
  throw new CommandError(
    `the registry at ${host} limits our requests (429); wait, or log in: registries allow more to those they know`,
  );
}

/** No answer has come, so that asking again may help. */
export class UnreachableRegistryError extends CommandError {}

/** The registry has answered that it cannot answer now. */
class BusyError extends Error {
  /** Without its body. */
  readonly response: Response;

  constructor(response: Response) {
    super(`status ${response.status}`);
    this.response = response;
  }
}

/** `retry-after` in seconds or as a date, in milliseconds from now. */
function requestedPause(response: Response): number | undefined {
  const value = response.headers.get("retry-after");
  if (value === null) return undefined;
  return /^\d+$/.test(value) ? Number(value) * 1000 : Math.max(0, Date.parse(value) - Date.now());
}

/** Docker Hub: `ratelimit-remaining: 76;w=21600`. */
function warnWhenScarce(response: Response, url: string, { onScarce }: FetchLimits): void {
  const limit = Number.parseInt(response.headers.get("ratelimit-limit") ?? "", 10);
  const remaining = Number.parseInt(response.headers.get("ratelimit-remaining") ?? "", 10);
  if (remaining < limit / 10) onScarce?.(remaining, url);
}
