import type { State } from "../state.ts";
import { ApiError } from "./api-error.ts";

/** JSON as a response carries it; `undefined` members are left out. */
export type Json = null | boolean | number | string | undefined | Json[] | { [key: string]: Json };

export interface ApiRequest {
  readonly state: State;
  /** The decoded `{name}` parts of the route's path. */
  readonly path: Record<string, string>;
  readonly query: URLSearchParams;
  /** The parsed body; `undefined` without one. */
  readonly body: unknown;
  /** Where this server is reached, e.g. `http://127.0.0.1:4000`. */
  readonly origin: string;
}

export interface ApiResponse {
  readonly status: number;
  readonly body: Json;
  /** Sent instead of the body, as plain text. */
  readonly text?: string;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Route {
  readonly method: Method;
  readonly pattern: readonly string[];
  readonly handle: (request: ApiRequest) => ApiResponse;
}

/** A route of the API, e.g. `route("GET", "/context/{context}", …)`; paths are relative to `/api/v2`. */
export function route(method: Method, pattern: string, handle: (request: ApiRequest) => ApiResponse): Route {
  return { method, pattern: pattern.split("/").filter((part) => part !== ""), handle };
}

export function ok(body: Json): ApiResponse {
  return { status: 200, body };
}

export function created(body: Json): ApiResponse {
  return { status: 201, body };
}

/** What a deletion answers. */
export function messageResponse(text: string): ApiResponse {
  return ok({ message: text });
}

/** The route for a request. A project slug may come with its slashes escaped, so parts are split again after decoding. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  pathname: string,
): { route: Route; path: Record<string, string> } {
  const parts = pathname.split("/").flatMap((part) => decode(part).split("/"));
  const given = parts.filter((part) => part !== "");
  const found = routes.flatMap((candidate) => {
    const path = match(candidate.pattern, given);
    return path === undefined ? [] : [{ route: candidate, path }];
  });
  if (found.length === 0) throw new ApiError(404, "Not found.");
  const exact = found.find((candidate) => candidate.route.method === method);
  if (exact === undefined) throw new ApiError(405, "Method not allowed.");
  return exact;
}

function match(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const path: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index] ?? "";
    if (expected.startsWith("{")) path[expected.slice(1, -1)] = part;
    else if (expected !== part) return undefined;
  }
  return path;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ApiError(400, "The path is not valid URL encoding.");
  }
}
