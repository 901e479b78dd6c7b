import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { MiddlewareHandler } from "hono";
import { createServer, type IncomingMessage } from "node:http";
import { hasErrorCode } from "../../core/error.ts";

/** A server that only this machine reaches. Its disposal lets what is under way end, and takes nothing new. */
export interface LoopbackServer extends AsyncDisposable {
  readonly port: number;
}

interface LoopbackServerOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Answers the requests, as `fetch` of a Hono app does. */
  readonly fetch: Parameters<typeof getRequestListener>[0];
  /** Milliseconds that a request may take until all of it is there; 0: any time. @default that of Node.js */
  readonly requestTimeout?: number;
  /** Milliseconds that requests which are under way have at disposal until they are cut off. @default any time */
  readonly closeGrace?: number;
}

/**
 * Listens on 127.0.0.1.
 * @throws Error that says what to do if the port is taken
 */
export async function serveOnLoopback({
  port,
  fetch,
  requestTimeout,
  closeGrace,
}: LoopbackServerOptions): Promise<LoopbackServer> {
  const server = createServer(
    requestTimeout === undefined ? {} : { requestTimeout },
    getRequestListener(fetch, {
      // Stands for the header Host, which a request of HTTP/1.0 may lack.
      hostname: "127.0.0.1",
      // This process has other uses for Request and Response, too.
      overrideGlobalObjects: false,
    }),
  );
  const used = await new Promise<number>((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        hasErrorCode(error, "EADDRINUSE") ? new Error(`port ${port} on 127.0.0.1 is taken; choose another one`) : error,
      ),
    );
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
  return {
    port: used,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeIdleConnections();
        if (closeGrace !== undefined) setTimeout(() => server.closeAllConnections(), closeGrace).unref();
      }),
  };
}

/**
 * Reads each request's body into the variable `text`. It needs this server's bindings: hono's `bodyLimit` answers a body that
 * comes in chunks with an error unless the global Request is that of node-server.
 * @param largest in bytes
 * @param tooLarge what is thrown for a larger one
 */
export function readBodies(
  largest: number,
  tooLarge: () => Error,
): MiddlewareHandler<{ Bindings: HttpBindings; Variables: { text: string } }> {
  return async (c, next) => {
    const text = await readBody(c.env.incoming, largest);
    if (text === undefined) throw tooLarge();
    c.set("text", text);
    await next();
  };
}

/** @returns `undefined`: it is larger; it is read to its end nevertheless, so that the client gets the answer */
async function readBody(request: IncomingMessage, largest: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    // Without an encoding set, a request yields buffers.
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size <= largest) chunks.push(bytes);
  }
  return size > largest ? undefined : Buffer.concat(chunks).toString("utf8");
}
