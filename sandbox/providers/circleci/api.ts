import { STATUS_CODES } from "node:http";
import { setTimeout } from "node:timers/promises";
import { errorMessage } from "../../../core/error.ts";
import { allPages } from "../../../core/pages.ts";

/** CircleCI's refusal of a request. */
export class CircleCiError extends Error {
  override readonly name = "CircleCiError";
  readonly status: number;

  constructor(status: number, what: string, answered: string) {
    super(`Could not ${what}, unexpected error: ${status} ${STATUS_CODES[status] ?? ""}: ${answered}`);
    this.status = status;
  }
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface CircleCiApiOptions {
  /** The base of the paths, e.g. `https://circleci.com/api/v2`. */
  host: string;
  token: string;
  /** Milliseconds to wait before each further attempt at a request that was not answered, or answered by a fault of the server. */
  retryDelays: readonly number[];
}

/**
 * CircleCI's API as the official provider 0.4.2 uses it: JSON, the token in a header, lists by pages. Every request is made
 * again where the answer fails to come or is 429 or 5xx, a POST too, which may then do its work twice; refusals are passed
 * on bare, with nothing about what to do. Source: internal/circleci/client/client.go of
 * https://github.com/CircleCI-Public/terraform-provider-circleci, and the default policy of hashicorp/go-retryablehttp
 */
export class CircleCiApi {
  readonly #options: CircleCiApiOptions;

  constructor(options: CircleCiApiOptions) {
    this.#options = { ...options, host: options.host.replace(/\/+$/, "") };
  }

  /** Sends a request and returns the JSON of its answer. `what` says in an error what was wanted, e.g. `create context "dev"`. */
  async call(what: string, method: Method, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.#send(what, method, path, body);
    const answered = await answer.text();
    if (!answer.ok) throw new CircleCiError(answer.status, what, answered);
    return parse(answered);
  }

  /** All items of a paged list. */
  async list(what: string, path: string): Promise<unknown[]> {
    return allPages(`CircleCI at ${this.#options.host}, asked to ${what}`, "", async (token) => {
      const page = new Answer(await this.call(what, "GET", `${path}?page-token=${encodeURIComponent(token)}`));
      const next = page.optionalText("next_page_token") ?? "";
      return { items: page.list("items"), next: next === "" ? undefined : next };
    });
  }

  async #send(what: string, method: Method, path: string, body: unknown): Promise<Response> {
    const { host, token, retryDelays } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const delay = retryDelays[attempt];
      const givenUp = `Could not ${what}, unexpected error: ${method} ${host}${path} giving up after ${attempt + 1} attempt(s)`;
      try {
        const answer = await fetch(`${host}${path}`, {
          method,
          headers: { "circle-token": token, accept: "application/json", "content-type": "application/json" },
          // A redirect would carry the token to another server.
          redirect: "error",
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const isFault = answer.status === 429 || (answer.status >= 500 && answer.status !== 501);
        if (!isFault) return answer;
        await answer.body?.cancel();
        if (delay === undefined) throw new GivenUpError(givenUp);
      } catch (error) {
        if (error instanceof GivenUpError) throw error;
        if (delay === undefined) throw new GivenUpError(`${givenUp}: ${causeOf(error)}`, { cause: error });
      }
      await setTimeout(delay);
    }
  }
}

class GivenUpError extends Error {
  override readonly name = "GivenUpError";
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

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof AggregateError) return causeOf(cause.errors[0]);
  return errorMessage(cause);
}
