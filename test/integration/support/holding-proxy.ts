import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

/** Stands between a client and an HTTP server, and can keep answers back. */
export interface HoldingProxy extends AsyncDisposable {
  readonly port: number;
  /**
   * Keeps back the answer to the next request of this kind, e.g. `POST /api/v2/context`, for good.
   * @returns a promise that is fulfilled once the server has done its work
   */
  hold(kind: RegExp): Promise<void>;
}

interface Hold {
  kind: RegExp;
  done: () => void;
}

export async function startHoldingProxy(target: string): Promise<HoldingProxy> {
  const holds = new Set<Hold>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "GET", url = "/" } = request;
    const hold = [...holds].find(({ kind }) => kind.test(`${method} ${url}`));
    if (hold !== undefined) holds.delete(hold);
    const body = await text(request);
    const upstream = await fetch(new URL(url, target), {
      method,
      headers: { "circle-token": String(request.headers["circle-token"]), "content-type": "application/json" },
      ...(body === "" ? {} : { body }),
    });
    const answered = await upstream.text();
    if (hold !== undefined) return hold.done();
    response.writeHead(upstream.status, { "content-type": "application/json" }).end(answered);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  return {
    port,
    hold: (kind) => new Promise((done) => holds.add({ kind, done })),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
