import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { readBody } from "../../loopback-server.ts";
import { ApiError, badRequest } from "./api-error.ts";

/** Pushes of many commits have the largest. */
const largestBody = 25 * 1024 * 1024;

/** The header `Circle-Token`, or the token as the user of basic authentication. The words are those of the real API. */
export function authenticate(request: IncomingMessage, token: string): void {
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const given =
    request.headers["circle-token"] ??
    (basic === undefined ? undefined : Buffer.from(basic, "base64").toString().replace(/:.*$/s, ""));
  if (given === undefined || given === "") throw new ApiError(401, "You must log in first.");
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  if (!timingSafeEqual(digest(String(given)), digest(token))) throw new ApiError(401, "Invalid token provided.");
}

/** @throws ApiError if it is too large */
export async function read(request: IncomingMessage): Promise<string> {
  const body = await readBody(request, largestBody);
  if (body === undefined) throw new ApiError(413, "The request body is too large.");
  return body;
}

export function parseBody(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest("The request body is not valid JSON.");
  }
}

/** A header that comes once. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  return [request.headers[name]].flat()[0];
}
