import { z } from "zod";
import { rootMessage } from "../../core/error.ts";
import { jsonOrText } from "../../core/json.ts";
import { allPages } from "../../core/pages.ts";
import { backoff, retry } from "../../core/retry.ts";
import { CommandError } from "../command.ts";

export interface ConnectionOptions {
  /** The API's base URL, e.g. `https://api.github.com`. */
  readonly api: string;
  /** @default anonymous */
  readonly token?: string | undefined;
  /** How often a request is sent again after a temporary failure. @default 4 */
  readonly retries?: number;
  /** The longest pause before that, in milliseconds; also the pause for a limit that does not say its end. @default 60000 */
  readonly longestPause?: number;
  readonly signal?: AbortSignal | undefined;
}

/** One request; `title` completes "GitHub refuses to …". */
interface Call<T extends z.ZodType> {
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

/** Requests to GitHub's REST API: with retries, checked answers, and errors that say what was requested. */
export class Connection {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** @throws CommandError if GitHub cannot be reached, refuses, or answers in another form */
  async call<T extends z.ZodType>(call: Call<T>): Promise<z.infer<T>> {
    const url = `${this.#options.api}${call.path}`;
    return parseAnswer(call, await this.#send(call, url));
  }

  /** As `call`, but `undefined` where there is no such thing. */
  async find<T extends z.ZodType>(call: Call<T>): Promise<z.infer<T> | undefined> {
    const { absent = [404] } = call;
    const response = await this.#send(call, `${this.#options.api}${call.path}`, absent);
    return response.ok ? parseAnswer(call, response) : undefined;
  }

  /** All pages of a list. `schema` is that of one page. */
  async list<T>(call: Call<z.ZodType<T[]>>): Promise<T[]> {
    const separator = call.path.includes("?") ? "&" : "?";
    const first = `${this.#options.api}${call.path}${separator}per_page=100`;
    return allPages(`GitHub at ${this.#options.api}, asked to ${call.title}`, first, async (address) => {
      const response = await this.#send(call, address);
      return { items: await parseAnswer(call, response), next: this.#nextPage(response) };
    });
  }

  /** @param accepted statuses that are no errors although they are no success; their answers are read already */
  #send(call: Call<z.ZodType>, url: string, accepted: readonly number[] = []): Promise<Response> {
    const { retries = 4, longestPause = 60_000, signal } = this.#options;
    return retry(() => this.#attempt(call, url, accepted), {
      pauses: backoff(retries, 350, longestPause),
      // A CI job does not wait as long as the hourly limit takes to reset.
      isTransient: (error) =>
        !(error instanceof RefusedError) ||
        (isTemporary(error.answer) && (requestedPause(error.answer) ?? 0) <= longestPause),
      // GitHub wants a minute at least for a limit that says nothing of its end.
      pauseFor: (error) =>
        error instanceof RefusedError
          ? (requestedPause(error.answer) ?? (isLimit(error.answer) ? longestPause : undefined))
          : undefined,
      signal,
    });
  }

  async #attempt(call: Call<z.ZodType>, url: string, accepted: readonly number[]): Promise<Response> {
    const response = await this.#fetch(call, url).catch((error: unknown) => {
      throw new CommandError(
        `GitHub at ${this.#options.api} cannot be reached to ${call.title} (${rootMessage(error)}); check github.api and the network`,
        { cause: error },
      );
    });
    if (response.ok) return response;
    const answer = await failedAnswer(response);
    if (accepted.includes(response.status) && !isLimit(answer)) return response;
    throw new RefusedError(call.title, answer, this.#options.token !== undefined);
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

  /** @throws CommandError for a page of another server, which must not get the token */
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

async function parseAnswer<T extends z.ZodType>({ title, schema }: Call<T>, response: Response): Promise<z.infer<T>> {
  const text = await response.text();
  const result = schema.safeParse(text === "" ? undefined : jsonOrText(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new CommandError(
    `GitHub's answer when asked to ${title} is not as documented: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}; is github.api the base URL of GitHub's REST API?`,
  );
}

/** The environment variable with the token for GitHub's API. */
export const githubTokenVariable = "DELIVERY_GITHUB_TOKEN";

const errorSchema = z.object({
  message: z.string(),
  errors: z
    .array(
      z.union([
        z.string(),
        z.object({ message: z.string().optional(), field: z.string().optional(), code: z.string().optional() }),
      ]),
    )
    .catch([])
    .default([]),
});

/** An answer that is no success, read to its end. */
interface FailedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** An answer that is no success, with GitHub's own words and what to do about it. */
class RefusedError extends CommandError {
  readonly answer: FailedAnswer;

  /** @param title what was requested; completes "GitHub refuses to …" */
  constructor(title: string, answer: FailedAnswer, withToken: boolean) {
    const message = errorText(answer.text);
    const reason = message === "" ? "" : `: ${message}`;
    super(`GitHub refuses to ${title} (${answer.status}${reason}); ${hint(answer, withToken)}`);
    this.answer = answer;
  }
}

function hint(answer: FailedAnswer, withToken: boolean): string {
  const { status } = answer;
  if (isLimit(answer)) {
    const reset = limitReset(answer);
    const until = reset === undefined ? "" : ` until ${new Date(reset).toISOString()}`;
    const help = withToken
      ? "run this again later"
      : `set ${githubTokenVariable}: GitHub allows more to those it knows`;
    return `its limit of requests is reached${until}; ${help}`;
  }
  if (status >= 500) return "run the same command again later";
  if (status === 401)
    return withToken ? `${githubTokenVariable} is not valid; make a new token` : `set ${githubTokenVariable}`;
  if (status === 403)
    return withToken
      ? `give the token in ${githubTokenVariable} the permission`
      : `set ${githubTokenVariable} to a token that may`;
  if (status === 404) {
    const token = withToken
      ? `which repositories the token in ${githubTokenVariable} may use`
      : `set ${githubTokenVariable} if the repository is private`;
    return `it is not there, or hidden: check github.repository and github.api of the stack file, and ${token}`;
  }
  return "the request is not accepted as it is";
}

/** Whether the same request may succeed later. */
function isTemporary(answer: FailedAnswer): boolean {
  return answer.status >= 500 || isLimit(answer);
}

/**
 * Whether a limit of requests is reached. The answer to the primary limit says how many requests remain; to the secondary
 * one, of requests at the same time, how long to wait, or nothing but its name.
 */
function isLimit({ status, headers, text }: FailedAnswer): boolean {
  if (status === 429) return true;
  const isNamed = /secondary rate limit|abuse detection/i.test(text);
  return status === 403 && (isNamed || headers.get("x-ratelimit-remaining") === "0" || headers.has("retry-after"));
}

/** How long GitHub asks to wait, in milliseconds. */
function requestedPause(answer: FailedAnswer): number | undefined {
  const after = answer.headers.get("retry-after") ?? "";
  if (/^\d+$/.test(after)) return Number(after) * 1000;
  const until = after === "" ? limitReset(answer) : Date.parse(after);
  return until === undefined || Number.isNaN(until) ? undefined : Math.max(0, until - Date.now());
}

/** When the primary limit ends, if that is the one that is reached. */
function limitReset(answer: FailedAnswer): number | undefined {
  const { headers } = answer;
  const reset = Number(headers.get("x-ratelimit-reset") ?? 0);
  const isPrimary = isLimit(answer) && headers.get("x-ratelimit-remaining") === "0";
  return isPrimary && reset > 0 ? reset * 1000 : undefined;
}

/** The message, and what is wrong with which field. */
function errorText(text: string): string {
  const body = errorSchema.safeParse(jsonOrText(text));
  if (!body.success) return "";
  const details = body.data.errors.map((error) =>
    typeof error === "string" ? error : (error.message ?? `${error.field ?? ""} ${error.code ?? ""}`.trim()),
  );
  return [body.data.message, ...details].join(", ");
}
