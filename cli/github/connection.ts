import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import { CommandError } from "../command.ts";
import { asJson, isLimit, pauseAsked, refusal, type FailedAnswer } from "./refusal.ts";

export interface ConnectionOptions {
  /** The API's base URL, e.g. `https://api.github.com`. */
  readonly api: string;
  /** @default anonymous */
  readonly token?: string | undefined;
  /** How often a request is sent again when GitHub asks for patience or stumbles. @default 4 */
  readonly retries?: number;
  /** The longest pause before it is, in milliseconds, and the one where a limit does not say how long. @default 60000 */
  readonly longestPause?: number;
  readonly signal?: AbortSignal | undefined;
}

/** One request; `title` completes "GitHub refuses to …". */
export interface Call<T extends z.ZodType> {
  readonly title: string;
  readonly method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Below the base URL. */
  readonly path: string;
  readonly body?: unknown;
  /** Statuses that say "there is none" to `find`. @default 404 */
  readonly absent?: readonly number[];
  readonly schema: T;
}

const timeoutMilliseconds = 30_000;

/** Requests to GitHub's REST API: patient, checked, and with errors that say what was asked. */
export class Connection {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** @throws CommandError if GitHub cannot be reached, refuses, or answers in another form */
  async call<T extends z.ZodType>(call: Call<T>): Promise<z.infer<T>> {
    const url = `${this.#options.api}${call.path}`;
    return parsed(call, await this.#send(call, url));
  }

  /** As `call`, but `undefined` where there is no such thing. */
  async find<T extends z.ZodType>(call: Call<T>): Promise<z.infer<T> | undefined> {
    const { absent = [404] } = call;
    const response = await this.#send(call, `${this.#options.api}${call.path}`, absent);
    return response.ok ? parsed(call, response) : undefined;
  }

  /** All pages of a list. `schema` is that of one page. */
  async list<T>(call: Call<z.ZodType<T[]>>): Promise<T[]> {
    const items: T[] = [];
    const separator = call.path.includes("?") ? "&" : "?";
    const first = `${this.#options.api}${call.path}${separator}per_page=100`;
    for (let next: string | undefined = first; next !== undefined;) {
      const response: Response = await this.#send(call, next);
      items.push(...(await parsed(call, response)));
      next = this.#nextPage(response);
    }
    return items;
  }

  /** @param accepted statuses beside those of success that are no errors; their answers are read already */
  async #send(call: Call<z.ZodType>, url: string, accepted: readonly number[] = []): Promise<Response> {
    const { retries = 4, longestPause = 60_000, signal } = this.#options;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      const response = await this.#fetch(call, url).catch((error: unknown) => {
        if (attempt < retries && signal?.aborted !== true) return undefined;
        throw new CommandError(
          `GitHub at ${this.#options.api} cannot be reached to ${call.title} (${reasonOf(error)}); check github.api and the network`,
          { cause: error },
        );
      });
      if (response?.ok === true) return response;
      const answer = response === undefined ? undefined : await failedAnswer(response);
      const limited = answer !== undefined && isLimit(answer);
      if (response !== undefined && accepted.includes(response.status) && !limited) return response;
      const pause = answer === undefined ? undefined : pauseAsked(answer);
      const patient = answer === undefined || answer.status >= 500 || limited;
      // Waiting until the hour is over is not what a job is for.
      if (answer !== undefined && (!patient || attempt >= retries || (pause ?? 0) > longestPause))
        throw refusal(call.title, answer, this.#options.token !== undefined);
      // GitHub wants a minute at least for a limit that says nothing of its end.
      const ours = limited ? longestPause : Math.min(250 * 2 ** attempt * (1 + Math.random()), longestPause);
      const wait = pause ?? ours;
      await sleep(wait, undefined, signal === undefined ? {} : { signal });
    }
  }

  #fetch({ method = "GET", body }: Call<z.ZodType>, url: string): Promise<Response> {
    const { token, signal } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMilliseconds);
    return fetch(url, {
      method,
      headers: {
        accept: "application/vnd.github+json",
        "x-github-api-version": "2022-11-28",
        "user-agent": "delivery",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
  }

  /** The next page is of the same API: a token is sent nowhere else. */
  #nextPage(response: Response): string | undefined {
    const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
    if (link === undefined) return undefined;
    const next = new URL(link, this.#options.api);
    if (next.origin === new URL(this.#options.api).origin) return next.href;
    throw new CommandError(
      `GitHub at ${this.#options.api} sends us to ${next.origin} for the next page; set github.api to that`,
    );
  }
}

async function failedAnswer(response: Response): Promise<FailedAnswer> {
  const { status, headers } = response;
  return { status, headers, text: await response.text().catch(() => "") };
}

async function parsed<T extends z.ZodType>({ title, schema }: Call<T>, response: Response): Promise<z.infer<T>> {
  const text = await response.text();
  const result = schema.safeParse(text === "" ? undefined : asJson(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new CommandError(
    `GitHub's answer when asked to ${title} is not as documented: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}; is github.api the base URL of GitHub's REST API?`,
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
