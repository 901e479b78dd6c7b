import { setTimeout } from "node:timers/promises";
import { errorMessage } from "../../../core/error.ts";

/** CircleCI's refusal of a request. */
export class CircleCiError extends Error {
  override readonly name = "CircleCiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface CircleCiApiOptions {
  /** The base of the paths, e.g. `https://circleci.com/api/v2`. */
  host: string;
  token: string;
  /** Milliseconds to wait before each further attempt at a request that was not answered. */
  retryDelays: readonly number[];
}

/** CircleCI's API as its clients use it: JSON, the token in a header, lists by pages. */
export class CircleCiApi {
  readonly #options: CircleCiApiOptions;

  constructor(options: CircleCiApiOptions) {
    this.#options = { ...options, host: options.host.replace(/\/+$/, "") };
  }

  /** Sends a request and returns the JSON of its answer. `what` says in an error what was wanted, e.g. `create context "dev"`. */
  async call(what: string, method: Method, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.#send(what, method, path, body);
    const answered = await answer.text();
    if (!answer.ok) throw this.#refusal(what, answer.status, answered);
    return parse(answered);
  }

  /** All items of a paged list. */
  async list(what: string, path: string): Promise<unknown[]> {
    const items: unknown[] = [];
    let token = "";
    do {
      const page = new Answer(await this.call(what, "GET", `${path}?page-token=${encodeURIComponent(token)}`));
      items.push(...page.list("items"));
      token = page.optionalText("next_page_token") ?? "";
    } while (token !== "");
    return items;
  }

  async #send(what: string, method: Method, path: string, body: unknown): Promise<Response> {
    const { host, token, retryDelays } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const delay = retryDelays[attempt];
      try {
        const answer = await fetch(`${host}${path}`, {
          method,
          headers: { "circle-token": token, accept: "application/json", "content-type": "application/json" },
          // A redirect would carry the token to another server.
          redirect: "error",
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const temporary = answer.status === 429 || (answer.status >= 500 && method !== "POST");
        if (!temporary || delay === undefined) return answer;
      } catch (error) {
        if (delay === undefined || (method === "POST" && !neverSent(error))) throw this.#unreachable(what, error);
      }
      await setTimeout(delay);
    }
  }

  #refusal(what: string, status: number, answered: string): CircleCiError {
    const { host } = this.#options;
    const message = messageIn(answered);
    if (status === 401) {
      return new CircleCiError(
        status,
        `CircleCI at ${host} rejected the token (401) when asked to ${what}: set it with \`pulumi config set --secret circleciToken\`, a personal API token of a user who may manage the organization. It says: ${message}`,
      );
    }
    return new CircleCiError(status, `CircleCI at ${host} refused to ${what} (${status}): ${message}`);
  }

  #unreachable(what: string, error: unknown): Error {
    const { host } = this.#options;
    return new Error(
      `CircleCI at ${host} cannot be reached to ${what} (${causeOf(error)}): start the sandbox with \`npm run up\`, or set the stack's CircleCI host to the API's base URL, e.g. https://circleci.com/api/v2`,
      { cause: error },
    );
  }
}

/** An answer of the API, read member by member: only what is used is relied on. */
export class Answer {
  readonly #members: Record<string, unknown>;

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new Error(`CircleCI answered ${JSON.stringify(value)} where an object was expected`);
    // A JSON object that is no array has string keys.
    this.#members = value as Record<string, unknown>;
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw new Error(`CircleCI's answer has no ${name}`);
    return value;
  }

  optionalText(name: string): string | undefined {
    const value = this.#members[name];
    return typeof value === "string" ? value : undefined;
  }

  boolean(name: string): boolean {
    return this.#members[name] === true;
  }

  /** A nested object; an absent one is empty. */
  object(name: string): Answer {
    return new Answer(this.#members[name] ?? {});
  }

  list(name: string): unknown[] {
    const value = this.#members[name];
    return Array.isArray(value) ? value : [];
  }

  texts(name: string): string[] {
    return this.list(name).filter((item) => typeof item === "string");
  }

  scalars(name: string): Record<string, string | number | boolean> {
    const scalar = (entry: [string, unknown]): entry is [string, string | number | boolean] =>
      ["string", "number", "boolean"].includes(typeof entry[1]);
    return Object.fromEntries(Object.entries(this.object(name).#members).filter(scalar));
  }
}

/** An identifier as a part of a path. */
export function part(value: string): string {
  return encodeURIComponent(value);
}

/** A project's slug as parts of a path. */
export function slugPath(slug: string): string {
  return slug.split("/").map(part).join("/");
}

function parse(answered: string): unknown {
  if (answered.trim() === "") return {};
  try {
    return JSON.parse(answered);
  } catch (error) {
    throw new Error(
      `CircleCI answered what is no JSON (${answered.slice(0, 80)}): the host setting must be the API's base URL, e.g. https://circleci.com/api/v2`,
      { cause: error },
    );
  }
}

function messageIn(answered: string): string {
  try {
    return new Answer(JSON.parse(answered)).optionalText("message") ?? answered;
  } catch {
    return answered.slice(0, 200);
  }
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof AggregateError) return causeOf(cause.errors[0]);
  return errorMessage(cause);
}

/** Whether no connection came about, so that repeating the request cannot do its work twice. */
function neverSent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && (cause.code === "ECONNREFUSED" || cause.code === "ENOTFOUND");
}
