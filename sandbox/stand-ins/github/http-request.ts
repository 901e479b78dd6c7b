import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { readBody } from "../loopback-server.ts";
import { ApiError } from "./api-error.ts";
import type { GitHubUser } from "./host.ts";

const largestBody = 1024 * 1024;

/** Without a token one is nobody; with a wrong one, one is refused. */
export function authenticate(request: IncomingMessage, users: readonly GitHubUser[]): GitHubUser | undefined {
  const [, scheme = "", given = ""] = /^(\w+) +(\S+)$/.exec(request.headers.authorization ?? "") ?? [];
  if (request.headers.authorization === undefined) return undefined;
  // As basic authentication, the token is the password.
  const token = /^basic$/i.test(scheme)
    ? Buffer.from(given, "base64")
        .toString()
        .replace(/^[^:]*:/, "")
    : given;
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const user = users.find((known) => timingSafeEqual(digest(known.token), digest(token)));
  if (user === undefined || !/^(basic|bearer|token)$/i.test(scheme)) throw new ApiError(401, "Bad credentials");
  return user;
}

/** @throws ApiError if it is too large */
export async function read(request: IncomingMessage): Promise<string> {
  const body = await readBody(request, largestBody);
  if (body === undefined) throw new ApiError(413, "Request body too large");
  return body;
}

/** @throws ApiError as GitHub words it */
export function parse(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, "Problems parsing JSON");
  }
}
