import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

/** What a mirror answers to a request that it understands. */
export type MirrorAnswer = { readonly body: string; readonly type: string } | { readonly file: string };

/** Sends an answer; without one, that there is nothing at this address. */
export async function sendAnswer(response: ServerResponse, answer: MirrorAnswer | undefined): Promise<void> {
  if (answer === undefined) {
    response.writeHead(404).end();
  } else if ("file" in answer) {
    response.writeHead(200, {
      "content-type": "application/octet-stream",
      "content-length": (await stat(answer.file)).size,
    });
    await pipeline(createReadStream(answer.file), response);
  } else {
    response.writeHead(200, { "content-type": answer.type }).end(answer.body);
  }
}
