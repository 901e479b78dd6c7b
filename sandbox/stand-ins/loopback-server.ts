import type { IncomingMessage, Server } from "node:http";

/**
 * Has a server listen on 127.0.0.1.
 * @param port 0: any free one
 * @returns the port
 * @throws Error that says what to do if the port is taken
 */
export function listenOnLoopback(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? new Error(`port ${port} on 127.0.0.1 is taken; choose another one`) : error),
    );
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/**
 * The whole body of a request. One that is too large is read to its end, so that the client gets the answer.
 * @param largest in bytes
 * @returns `undefined`: it is larger
 */
export async function readBody(request: IncomingMessage, largest: number): Promise<string | undefined> {
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
