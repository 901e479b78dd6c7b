import { setTimeout as sleep } from "node:timers/promises";

/** Lets milliseconds pass. @throws what `signal` was aborted with */
export type Wait = (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>;

/** How often something is tried, and what ends it. */
export interface RetryOptions {
  /** Milliseconds to wait after each failed attempt; with the last of them used up, the next failure is final. */
  readonly pauses: readonly number[];
  /** Whether another attempt may go better. @default every failure */
  readonly isTransient?: ((error: unknown) => boolean) | undefined;
  /** Called before each pause, in milliseconds. */
  readonly onRetry?: ((error: unknown, pause: number, attempt: number) => void) | undefined;
  /** The pause that the failure itself asks for, in milliseconds, e.g. by `retry-after`. @default that of `pauses` */
  readonly pauseFor?: ((error: unknown) => number | undefined) | undefined;
  /** Ends the waiting. @default nothing does */
  readonly signal?: AbortSignal | undefined;
  /** Waits, for tests of long pauses. @default on the clock */
  readonly wait?: Wait | undefined;
}

/**
 * Does something until it succeeds, fails for good, or no attempt is left.
 * @param action gets the number of the attempt, from 1
 * @throws the failure of the last attempt; what `signal` was aborted with
 */
export async function retry<T>(
  action: (attempt: number) => Promise<T>,
  { pauses, isTransient = () => true, onRetry, pauseFor, signal, wait = onTheClock }: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await action(attempt);
    } catch (error) {
      const planned = pauses[attempt - 1];
      if (planned === undefined || signal?.aborted === true || !isTransient(error)) throw error;
      const pause = pauseFor?.(error) ?? planned;
      onRetry?.(error, pause, attempt);
      await wait(pause, signal);
    }
  }
}

/** Waits as long as it takes. */
export const onTheClock: Wait = (milliseconds, signal) =>
  sleep(milliseconds, undefined, signal === undefined ? {} : { signal });

/**
 * Pauses that double, each a little longer or shorter by chance, so that several who failed together do not return together.
 * @param first milliseconds @param longest milliseconds
 */
export function backoff(count: number, first: number, longest = Infinity): number[] {
  return Array.from({ length: count }, (_, index) =>
    Math.round(Math.min(first * 2 ** index, longest) * (0.75 + Math.random() / 2)),
  );
}
