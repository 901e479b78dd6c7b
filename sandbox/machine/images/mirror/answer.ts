import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

/** What a mirror answers to a request that it understands. */
export interface MirrorAnswer {
  /** What is sent, or the file that has it. */
  readonly content: string | { readonly file: string };
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Sends an answer; without one, that there is nothing at this address.
 * @param withContent false: only what the headers say of it
 */
export async function sendAnswer(
  response: ServerResponse,
  answer: MirrorAnswer | undefined,
  withContent: boolean,
): Promise<void> {
  if (answer === undefined) {
    response.writeHead(404).end();
    return;
  }
  const { content, type, headers } = answer;
  const length = typeof content === "string" ? Buffer.byteLength(content) : (await stat(content.file)).size;
  response.writeHead(200, { ...headers, "content-type": type, "content-length": length });
  if (!withContent) response.end();
  else if (typeof content === "string") response.end(content);
  else await pipeline(createReadStream(content.file), response);
}
