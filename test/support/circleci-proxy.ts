import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** The status of an answer in place of CircleCI's; `undefined`: CircleCI answers. The path is below the API's base. */
type Refusal = (method: string, path: string) => number | undefined;

/** Stands before CircleCI's stand-in, to answer some requests as a CircleCI that is not well. */
export interface CircleCiProxy extends AsyncDisposable {
  /** The API's base URL. */
  readonly url: string;
  /** Until what this returns is disposed of. */
  answering(refusal: Refusal): AsyncDisposable;
}

export async function circleCiProxy(upstream: string): Promise<CircleCiProxy> {
  const base = new URL(upstream).pathname.replace(/\/$/, "");
  const refusals: Refusal[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const { method = "GET", url = "/" } = request;
      const body = await text(request);
      const path = url.slice(base.length).replace(/\?.*/, "");
      const status = refusals.map((refusal) => refusal(method, path)).find((one) => one !== undefined);
      if (status !== undefined) return response.writeHead(status).end('{"message":"no"}');
      const answer = await fetch(new URL(url, upstream), {
        method,
        headers: { "circle-token": request.headers["circle-token"]?.toString() ?? "" },
        ...(body === "" ? {} : { body }),
      });
      return response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
    })();
  });
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}${base}`,
    answering(refusal) {
      refusals.push(refusal);
      return {
        [Symbol.asyncDispose]: async () => {
          const index = refusals.indexOf(refusal);
          if (index !== -1) refusals.splice(index, 1);
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
