import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Visitors } from "../../../../../sandbox/commands/demo/visitors.ts";
import { eventually } from "../../../../support/eventually.ts";

let server: Server;
/** What comes one after the other; then the version before, again and again. */
const answers: ("1.0.0" | "1.0.1" | "error" | "none")[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = answers.shift() ?? "1.0.0";
    if (answer === "none") request.destroy();
    else if (answer === "error") response.writeHead(503).end("{}");
    else response.end(JSON.stringify({ services: [{ version: answer }, { version: "2" }] }));
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
});
afterAll(() => server.close());

test("visitors tell who has answered them, and how", async () => {
  answers.push("1.0.0", "1.0.1", "error", "none", "1.0.1");
  // A listening server on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  await using visitors = new Visitors(`http://127.0.0.1:${port}/`);
  await eventually("all has been answered", () => Promise.resolve(answers.length === 0));
  await eventually("they have heard of it", () =>
    Promise.resolve(/ 3 \(\d+\.\d %\), 1 of them with an error; 1 without an answer$/.test(visitors.summary())),
  );
  expect(visitors.summary()).toMatch(/^\d+ requests meanwhile: the new version has answered 3 /);
});
