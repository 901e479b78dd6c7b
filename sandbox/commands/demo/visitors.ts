import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { jsonOrText } from "../../../core/json.ts";

/** The page says which version of each service runs, that of whoever answers first. */
const pageSchema = z.object({ services: z.tuple([z.object({ version: z.string() })], z.unknown()) });

interface Answer {
  readonly status: number;
  /** @default an error, which does not name it */
  readonly version?: string;
}

const pauseMilliseconds = 100;
const patienceMilliseconds = 5_000;

/** People who open a page of the example all the time: each request is a connection of its own, and so finds any of the pods. */
export class Visitors implements AsyncDisposable {
  readonly #url: string;
  readonly #stop = new AbortController();
  readonly #counts = new Map<string, number>();
  readonly #visits = new Set<Promise<void>>();
  readonly #coming: Promise<void>;
  #before: string | undefined;

  constructor(url: string) {
    this.#url = url;
    this.#coming = this.#come();
  }

  /** What they have got until now. */
  summary(): string {
    const count = (what: string): number => this.#counts.get(what) ?? 0;
    const all = [...this.#counts.values()].reduce((sum, one) => sum + one, 0);
    const bad = all - count("before") - count("lost");
    const share = ((100 * bad) / Math.max(1, all)).toFixed(1);
    const failed = count("error");
    return `${all} requests meanwhile: the new version has answered ${bad} (${share} %), ${failed} of them with an error; ${count("lost")} without an answer`;
  }

  async #come(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const visit = this.#visit().finally(() => this.#visits.delete(visit));
      this.#visits.add(visit);
      await sleep(pauseMilliseconds, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #visit(): Promise<void> {
    const answer = await ask(this.#url).catch(() => undefined);
    const kind = answer === undefined ? "lost" : this.#kindOf(answer);
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  /** The version before answers the first one, and never with an error. */
  #kindOf({ status, version }: Answer): string {
    if (status >= 500 || version === undefined) return "error";
    this.#before ??= version;
    return version === this.#before ? "before" : "new";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#coming;
    await Promise.all(this.#visits);
  }
}

async function ask(url: string): Promise<Answer> {
  const { status, body } = await getOnce(url);
  const page = pageSchema.safeParse(jsonOrText(body));
  return page.success ? { status, version: page.data.services[0].version } : { status };
}

/** By a connection of its own, so that any of the pods behind an address may answer. @throws Error if none does in time */
export async function getOnce(url: string): Promise<{ readonly status: number; readonly body: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = get(url, { agent: false, timeout: patienceMilliseconds }, resolve);
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", reject);
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}
