import { createServer } from "node:http";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { assertAnswers } from "../../../../components/circleci/circleci-hooks.ts";

const access = (host: string) => ({ host, token: pulumi.secret("right") });

test.each<[status: number, message: RegExp | undefined]>([
  [200, undefined],
  [401, /^CircleCI at .* does not accept the token \(401\): set it with `pulumi config set --secret circleciToken`/],
  // What else it says is for the provider to judge.
  [403, undefined],
  [404, undefined],
  [500, undefined],
])("a CircleCI that answers %i is told: %s", async (status, message) => {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    asked.push([request.url, request.headers["circle-token"]]);
    response.writeHead(status).end();
  });
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const answered = assertAnswers(access(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/api/v2/`));
  if (message === undefined) expect(await answered).toBeUndefined();
  else await expect(answered).rejects.toThrow(message);
  expect(asked).toEqual([["/api/v2/me", "right"]]);
  server.close();
});

test("one that does not answer is told with where it is looked for", async () => {
  await expect(assertAnswers(access("http://127.0.0.1:9/api/v2"))).rejects.toThrow(
    /^CircleCI at http:\/\/127\.0\.0\.1:9\/api\/v2 does not answer .*correct ci\.host/,
  );
});
