import { badRequest } from "./api-error.ts";
import type { ApiRequest } from "./router.ts";

/** The members of a request's JSON object, each read once and checked. */
export class Input {
  readonly #members: Record<string, unknown>;
  readonly #at: string;

  constructor(value: unknown, at = "") {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw badRequest(at === "" ? "The request body must be a JSON object." : `${at}: must be an object.`);
    }
    // A JSON object that is no array has string keys.
    this.#members = value as Record<string, unknown>;
    this.#at = at;
  }

  keys(): string[] {
    return Object.keys(this.#members);
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined && this.#members[name] !== null;
  }

  /** A nested object; an absent one is empty, so that its required members are what is reported. */
  object(name: string): Input {
    return new Input(this.#members[name] ?? {}, this.#path(name));
  }

  string(name: string): string {
    const value = this.optionalString(name);
    if (value === undefined || value === "") throw badRequest(`${this.#path(name)}: must be a non-empty string.`);
    return value;
  }

  optionalString(name: string): string | undefined {
    const value = this.#members[name] ?? undefined;
    if (value !== undefined && typeof value !== "string") throw badRequest(`${this.#path(name)}: must be a string.`);
    return value;
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice {
    const value = this.string(name);
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) throw badRequest(`${this.#path(name)}: must be one of ${choices.join(", ")}.`);
    return choice;
  }

  boolean(name: string): boolean {
    const value = this.#members[name];
    if (typeof value !== "boolean") throw badRequest(`${this.#path(name)}: must be a boolean.`);
    return value;
  }

  optionalBoolean(name: string): boolean | undefined {
    return this.has(name) ? this.boolean(name) : undefined;
  }

  strings(name: string): string[] {
    const value: unknown = this.#members[name];
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string"))
      throw badRequest(`${this.#path(name)}: must be a list of strings.`);
    return value;
  }

  /** Values of scalar type by name, e.g. pipeline parameters. */
  scalars(name: string): Record<string, string | number | boolean> {
    const values = this.object(name);
    return Object.fromEntries(
      values.keys().map((key) => {
        const value = values.#members[key];
        if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
          throw badRequest(`${values.#path(key)}: must be a string, a number or a boolean.`);
        }
        return [key, value];
      }),
    );
  }

  #path(name: string): string {
    return this.#at === "" ? name : `${this.#at}.${name}`;
  }
}

export function inputOf(request: ApiRequest): Input {
  return new Input(request.body);
}

/** A part of the path that the route names. */
export function pathPart(request: ApiRequest, name: string): string {
  const value = request.path[name];
  if (value === undefined) throw new Error(`the route has no part {${name}}`);
  return value;
}

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return uuidForm.test(text);
}
