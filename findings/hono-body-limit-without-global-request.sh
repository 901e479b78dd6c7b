#!/usr/bin/env bash
# @hono/node-server 2.1.9 with `overrideGlobalObjects: false` and hono 4.13.19's body-limit: every chunked request body within the
# limit is answered 500.
#
# One would guess: body-limit lets a body through that is smaller than the limit, whether its length is announced or not.
# What happens: with a content-length the handler gets the body. With `transfer-encoding: chunked` the middleware wraps the request,
#   and reading it throws "Cannot read private member #state from an object whose class did not declare it".
# Who is hurt: whoever keeps node-server from replacing the global Request and Response (tests in one process, several frameworks
#   side by side) and bounds bodies: `git push` above 1 MB, webhooks and uploads by streaming clients fail.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent hono@4.13.19 @hono/node-server@2.1.9 node@24
cat >try.mjs <<'JS'
import { request } from "node:http";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { createAdaptorServer } from "@hono/node-server";
for (const overrideGlobalObjects of [process.argv[2] === "true"]) {
  const app = new Hono();
  app.use(bodyLimit({ maxSize: 1024 }));
  app.post("/", async (context) => context.text(`got ${(await context.req.text()).length}`));
  app.onError((error, context) => context.text(error.message.split(" from ")[0], 500));
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  for (const headers of [{ "content-length": "5" }, { "transfer-encoding": "chunked" }]) {
    const [status, text] = await new Promise((done, failed) => {
      const sent = request({ port: server.address().port, host: "127.0.0.1", method: "POST", headers }, async (response) => {
        let body = "";
        for await (const chunk of response) body += chunk;
        done([response.statusCode, body]);
      }).on("error", failed);
      sent.end("hello");
    });
    console.log(`override ${overrideGlobalObjects}, ${Object.keys(headers)[0]}: ${status} ${text}`);
  }
  server.close();
}
JS
cat >expected <<'TEXT'
override true, content-length: 200 got 5
override true, transfer-encoding: 200 got 5
override false, content-length: 200 got 5
override false, transfer-encoding: 500 Cannot read private member #state
TEXT
PATH="$work/node_modules/.bin:$PATH"
for override in true false; do node try.mjs "$override"; done 2>errors | tee seen
diff expected seen || { cat errors; exit 1; }
echo "As described: hono 4.13.19, @hono/node-server 2.1.9."
