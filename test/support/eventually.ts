import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../../core/error.ts";

export interface EventuallyOptions {
  /** On a busy machine, what takes a second may take some dozen: who waits for long has failed. @default 120 */
  seconds?: number;
}

let describeSurroundings: () => Promise<string> = async () => Promise.resolve("");

/** What is said, in this test file, of expectations that do not come true, beside what was found. */
export function explainFailuresWith(surroundings: () => Promise<string>): void {
  describeSurroundings = surroundings;
}

/** Each look costs the test and the API server processor time, which what is waited for needs as well. */
const pollMilliseconds = 200;

/**
 * Waits for what comes about by itself, asking five times a second.
 * @param expectation what is waited for, e.g. "link has 1 available replica"
 * @param look returns what it finds once that is as expected; `undefined`, `false` and errors mean "not yet"
 * @throws Error with the expectation and what the last look found
 */
export async function eventually<Found>(
  expectation: string,
  look: () => Promise<Found>,
  patience: EventuallyOptions = {},
): Promise<Exclude<Found, undefined | false>> {
  const seconds = patience.seconds ?? 120;
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const last = await attempt(look);
    // What is neither of the two is what the caller waits for.
    if ("found" in last && last.found !== undefined && last.found !== false)
      return last.found as Exclude<Found, undefined | false>;
    if (Date.now() > deadline) {
      const state =
        "found" in last ? `the last look found ${String(last.found)}` : `the last look failed: ${last.problem}`;
      const surroundings = await attempt(describeSurroundings);
      const more = "found" in surroundings ? surroundings.found : surroundings.problem;
      throw new Error(`not within ${seconds} s: ${expectation}; ${state}${more === "" ? "" : `\n${more}`}`);
    }
    await sleep(pollMilliseconds);
  }
}

async function attempt<Found>(look: () => Promise<Found>): Promise<{ found: Found } | { problem: string }> {
  try {
    return { found: await look() };
  } catch (error) {
    return { problem: errorMessage(error) };
  }
}
