import { setTimeout as sleep } from "node:timers/promises";
import { getOnce } from "../../sandbox/commands/demo/visitors.ts";

/** What came of the requests of a while. */
export interface Answered {
  /** The text of each answer, in the order in which they came. */
  readonly answers: readonly string[];
  /** Why there was none, or what other status than 200 it had. */
  readonly lost: readonly string[];
}

/** How many of all answers are of one kind while there are any: from its first one to its last one. */
export function shareOf({ answers }: Pick<Answered, "answers">, kind: string): Share {
  const during = answers.slice(Math.max(0, answers.indexOf(kind)), answers.lastIndexOf(kind) + 1);
  return { kind: during.filter((answer) => answer === kind).length, all: during.length };
}

export interface Share {
  readonly kind: number;
  readonly all: number;
}

const pauseMilliseconds = 20;

/** Asks an address all the time, each time by a connection of its own, so that any of the pods behind it may answer. */
export class Load implements AsyncDisposable {
  readonly #url: string;
  readonly #stop = new AbortController();
  readonly #asked = new Set<Promise<void>>();
  readonly #asking: Promise<void>;
  #answers: string[] = [];
  #lost: string[] = [];

  constructor(url: string) {
    this.#url = url;
    this.#asking = this.#ask();
  }

  /** What has come of all requests since the last time that somebody took it. */
  take(): Answered {
    const taken = { answers: this.#answers, lost: this.#lost };
    [this.#answers, this.#lost] = [[], []];
    return taken;
  }

  async #ask(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const asked = answerOf(this.#url)
        .then(
          (answer) => void this.#answers.push(answer),
          (error: unknown) => void this.#lost.push(String(error)),
        )
        .finally(() => this.#asked.delete(asked));
      this.#asked.add(asked);
      await sleep(pauseMilliseconds, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#asking;
    await Promise.all(this.#asked);
  }
}

async function answerOf(url: string): Promise<string> {
  const { status, body } = await getOnce(url);
  if (status !== 200) throw new Error(`answered ${status}`);
  return body.trim();
}
