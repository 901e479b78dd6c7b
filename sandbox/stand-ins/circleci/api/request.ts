import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import type { PipelineEngine } from "../runner/engine.ts";
import type { State } from "../state.ts";

/** What the handlers of the API find in their context. */
export interface ApiEnv {
  Bindings: HttpBindings;
  Variables: {
    state: State;
    engine: PipelineEngine;
    /** Where this server is reached, e.g. `http://127.0.0.1:4000`. */
    origin: string;
    text: string;
  };
}

export type ApiContext = Context<ApiEnv>;

/** JSON as a response carries it; `undefined` members are left out. */
export type Json = null | boolean | number | string | undefined | Json[] | { [key: string]: Json };

/** An answer other than success, as CircleCI's API words it: a status and `{"message": …}`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: ContentfulStatusCode;

  constructor(status: ContentfulStatusCode, message: string) {
    super(message);
    this.status = status;
  }
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, message);
}

export function notFound(what: string): ApiError {
  return new ApiError(404, `${what} not found.`);
}

export function conflict(message: string): ApiError {
  return new ApiError(409, message);
}

/** What a deletion answers. */
export function answerMessage(c: Context, message: string): Response {
  return c.json({ message });
}

/**
 * The body of a request; a member that is `null` counts as absent.
 * @throws ApiError that says what the first wrong member must be
 */
export function bodyOf<T extends z.ZodType>({ var: { text } }: ApiContext, schema: T): z.infer<T> {
  const parsed = schema.safeParse(parseJson(text), { error: requirement });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = [...(issue?.path ?? []), ...(issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [])];
  if (path.length === 0) throw badRequest("The request body must be a JSON object.");
  throw badRequest(`${path.join(".")}: ${issue?.message ?? "is invalid"}.`);
}

function parseJson(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text, (_key, value: unknown) => value ?? undefined);
  } catch {
    throw badRequest("The request body is not valid JSON.");
  }
}

const typeNames: Readonly<Record<string, string>> = { object: "an object", record: "an object", array: "a list" };

/** What a wrong value must be. */
function requirement(issue: z.core.$ZodRawIssue): string | undefined {
  const isAbsent = issue.input === undefined || issue.input === "";
  switch (issue.code) {
    case "invalid_type":
      if (issue.expected === "string") return isAbsent ? "must be a non-empty string" : "must be a string";
      return `must be ${typeNames[issue.expected] ?? `a ${issue.expected}`}`;
    case "too_small":
      return "must be a non-empty string";
    case "invalid_value":
      if (isAbsent) return "must be a non-empty string";
      return typeof issue.input === "string" ? `must be one of ${issue.values.join(", ")}` : "must be a string";
    case "invalid_union":
      return "options" in issue ? `must be one of ${[issue.options].flat().join(", ")}` : undefined;
    case "unrecognized_keys":
      return "unexpected setting";
    default:
      return undefined;
  }
}

/** A member that must say something. */
export const textSchema = z.string().min(1);

/** Values of scalar type by name, e.g. pipeline parameters. */
export const scalarsSchema = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()], "must be a string, a number or a boolean"),
);

const pageSize = 20;

/** One page of a list, with the token of the next one. */
export function page(c: ApiContext, items: readonly Json[]): Response {
  const start = offsetOf(c.req.query("page-token") ?? "");
  const end = start + pageSize;
  const token = Buffer.from(`offset:${end}`).toString("base64url");
  return c.json({ items: items.slice(start, end), next_page_token: end < items.length ? token : null });
}

function offsetOf(token: string): number {
  if (token === "") return 0;
  const offset = /^offset:(\d+)$/.exec(Buffer.from(token, "base64url").toString())?.[1];
  if (offset === undefined) throw badRequest("page-token is invalid.");
  return Number(offset);
}

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return uuidForm.test(text);
}
