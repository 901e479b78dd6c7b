import type http from "node:http";
import type { JsonMap } from "./json.ts";
import type { Connection } from "./connection.ts";
import { ApiError, UnreachableError } from "./errors.ts";
import { listAt, stringAt } from "./object.ts";

/** The object that the API server returns. @throws ApiError where it refuses. */
export function answer(response: http.IncomingMessage, text: string, connection: Connection): JsonMap {
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw asApiError(status, text, connection);
  return parsed(text) ?? {};
}

function parsed(text: string): JsonMap | undefined {
  try {
    // The API server answers JSON objects; anything else is treated as no answer.
    return JSON.parse(text) as JsonMap;
  } catch {
    return undefined;
  }
}

/** A refusal with the server's own words, and for refused credentials what to do. */
export function asApiError(
  status: number,
  text: string,
  connection: Pick<Connection, "server" | "context" | "source">,
): ApiError {
  const body = parsed(text) ?? {};
  const message = stringAt(body, "message") ?? (text.slice(0, 300).trim() || `HTTP status ${status}`);
  const details = {
    status,
    reason: stringAt(body, "reason") ?? "",
    about: stringAt(body, "details", "kind") ?? "",
    causes: listAt(body, "details", "causes").map((cause) => ({
      reason: stringAt(cause, "reason") ?? "",
      message: stringAt(cause, "message") ?? "",
      field: stringAt(cause, "field") ?? "",
    })),
  };
  const where = `${connection.server} (context "${connection.context}" of ${connection.source})`;
  if (status === 401)
    return new ApiError(
      `the credentials are refused by ${where}: renew the token or client certificate there. (401 ${message})`,
      details,
    );
  // What admission refuses, such as a policy, a quota or the standards of pods, has the same status, and no right helps.
  if (status === 403 && /\bUser "[^"]*" cannot /.test(message))
    return new ApiError(
      `not permitted at ${where}: ${message}. Grant the right to this user, or use another context.`,
      details,
    );
  if (status === 403) return new ApiError(`refused by ${where}: ${message}`, details);
  return new ApiError(message, details);
}

/** No answer: which server, who names it, and what to do. */
export function unreachable(error: unknown, connection: Connection): UnreachableError {
  const message = error instanceof Error ? error.message || ("code" in error ? String(error.code) : "") : String(error);
  return new UnreachableError(
    `the API server ${connection.server} does not answer: ${message || "no connection"}. ` +
      `It is named by context "${connection.context}" of ${connection.source}: start the cluster, or correct the kubeconfig.`,
  );
}
