import { Hono } from "hono";
import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readBodies, serveOnLoopback, type LoopbackServer } from "../../../../sandbox/stand-ins/loopback-server.ts";

let server: LoopbackServer;
let requests: number;

beforeEach(async () => {
  requests = 0;
  const app = new Hono<{ Variables: { text: string } }>();
  app.use(readBodies(1000, () => new Error("too large")));
  app.get("/slow", async (c) => {
    requests += 1;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return c.text("done");
  });
  app.all("/", (c) => c.text(`${c.var.text.length} bytes`));
  app.onError((error, c) => c.text(error.message, 413));
  server = await serveOnLoopback({ port: 0, fetch: app.fetch });
});
// One test has closed it already.
afterEach(() => Promise.allSettled([server[Symbol.asyncDispose]()]));

/** Sends a body in chunks, without its length. */
function sendChunks(...chunks: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ port: server.port, host: "127.0.0.1", method: "POST" }, (answer) => {
      text(answer).then((body) => resolve(`${answer.statusCode} ${body}`), reject);
    });
    sent.on("error", reject);
    for (const chunk of chunks) sent.write(chunk);
    sent.end();
  });
}

test("a body may come in chunks", async () => {
  expect(await sendChunks("x".repeat(500), "y".repeat(500))).toBe("200 1000 bytes");
});

test.each([
  [
    "of a known length",
    () => fetch(`http://127.0.0.1:${server.port}/`, { method: "POST", body: "x".repeat(9_000_000) }),
  ],
  ["in chunks", () => sendChunks(...Array.from({ length: 90 }, () => "x".repeat(100_000)))],
])("a body that is too large, %s, gets its answer", async (_how, send) => {
  const answer = await send();
  expect(typeof answer === "string" ? answer : `${answer.status} ${await answer.text()}`).toBe("413 too large");
});

test("a request of HTTP/1.0 need not name the host", async () => {
  const socket = connect(server.port, "127.0.0.1");
  socket.write("GET / HTTP/1.0\r\n\r\n");
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*0 bytes$/s);
});

test("what is under way is answered before the end", async () => {
  const slow = fetch(`http://127.0.0.1:${server.port}/slow`);
  await vi.waitFor(() => expect(requests).toBe(1), { interval: 5, timeout: 30_000 });
  const closed = server[Symbol.asyncDispose]();
  expect(await (await slow).text()).toBe("done");
  await closed;
  await expect(fetch(`http://127.0.0.1:${server.port}/`)).rejects.toThrow("fetch failed");
});
