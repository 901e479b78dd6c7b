import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "./command.ts";

export interface FetchLimits {
  /** How often a request is sent again when the registry asks for patience or stumbles. @default 4 */
  readonly retries?: number;
  /** The longest pause between two of them, in milliseconds. @default 60000 */
  readonly longestPause?: number;
  /** How long one request may take, in milliseconds. @default 30000 */
  readonly timeout?: number;
  /** Told when few requests are left before the registry's limit. */
  readonly onScarce?: (remaining: number, url: string) => void;
}

/**
 * Waits when a registry asks for it: 429 with `retry-after`, and 5xx.
 * @throws CommandError if the registry cannot be reached, or still refuses after the last try
 */
export async function patientFetch(url: string, init: RequestInit, limits: FetchLimits = {}): Promise<Response> {
  const { retries = 4, longestPause = 60_000, timeout = 30_000 } = limits;
  for (let attempt = 0; ; attempt++) {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeout) }).catch((error: unknown) => {
      if (attempt < retries) return undefined;
      throw new CommandError(
        `the registry at ${new URL(url).host} cannot be reached (${reasonOf(error)}); check its name and the network`,
        { cause: error },
      );
    });
    if (response !== undefined) warnWhenScarce(response, url, limits);
    if (response !== undefined && response.status !== 429 && response.status < 500) return response;
    if (response !== undefined && attempt >= retries) {
      if (response.status !== 429) return response;
      throw new CommandError(
        `the registry at ${new URL(url).host} limits our requests (429); wait, or log in: registries allow more to those they know`,
      );
    }
    await response?.body?.cancel();
    await sleep(Math.min(pauseAsked(response) ?? 250 * 2 ** attempt * (1 + Math.random()), longestPause));
  }
}

/** `retry-after` in seconds or as a date, in milliseconds from now. */
function pauseAsked(response: Response | undefined): number | undefined {
  const value = response?.headers.get("retry-after") ?? undefined;
  if (value === undefined) return undefined;
  return /^\d+$/.test(value) ? Number(value) * 1000 : Math.max(0, Date.parse(value) - Date.now());
}

/** Docker Hub: `ratelimit-remaining: 76;w=21600`. */
function warnWhenScarce(response: Response, url: string, { onScarce }: FetchLimits): void {
  const limit = Number.parseInt(response.headers.get("ratelimit-limit") ?? "", 10);
  const remaining = Number.parseInt(response.headers.get("ratelimit-remaining") ?? "", 10);
  if (remaining < limit / 10) onScarce?.(remaining, url);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
