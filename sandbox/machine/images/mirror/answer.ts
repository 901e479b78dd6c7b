import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

/** What a mirror answers to a request that it understands. */
export interface MirrorAnswer {
  /** What is sent, the file that has it, or what another server sends. */
  readonly content: string | { readonly file: string } | Sent;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What another server sends. */
interface Sent {
  readonly stream: ReadableStream | null;
  /** Bytes. */
  readonly length: number;
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
  const length = await lengthOf(content);
  response.writeHead(200, { ...headers, "content-type": type, "content-length": length });
  if (!withContent) response.end();
  else if (typeof content === "string") response.end(content);
  else if ("stream" in content) await pipeline(content.stream ?? [], response);
  else await pipeline(createReadStream(content.file), response);
}

async function lengthOf(content: MirrorAnswer["content"]): Promise<number> {
  if (typeof content === "string") return Buffer.byteLength(content);
  return "stream" in content ? content.length : (await stat(content.file)).size;
}
