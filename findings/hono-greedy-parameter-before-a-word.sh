#!/usr/bin/env bash
# hono 4.13.19: with the default router, a route that ends in a word after a parameter that takes slashes is never reached once a
# second route with the same parameter at its end exists, although it is registered first.
#
# One would guess: routes are tried in the order of their registration, as the documentation says, so `/r/:ref{.+}/status` answers
#   `/r/main/status`.
# What happens: the later `/r/:ref{.+}` answers, with ref = `main/status`. With hono's TrieRouter the first route answers; so it
#   does with the default router where the second route does not exist.
# Who is hurt: whoever serves or imitates an API in whose paths names with slashes occur before a last word, such as Git hosts
#   (`/commits/{ref}/status`) and registries (`/v2/{name}/tags/list`): requests go to another handler, and nothing fails.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent hono@4.13.19
cat >try.mjs <<'JS'
import { Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";
const routes = [["/r/:ref{.+}/status", "status of"], ["/r/:ref{.+}", "all of"]];
const answer = async (title, app, added) => {
  for (const [path, word] of added) app.get(path, (context) => context.text(`${word} ${context.req.param("ref")}`));
  console.log(`${title}: ${await (await app.request("/r/main/status")).text()}`);
};
await answer("default router", new Hono(), routes);
await answer("TrieRouter", new Hono({ router: new TrieRouter() }), routes);
await answer("default router, first route alone", new Hono(), routes.slice(0, 1));
JS
cat >expected <<'TEXT'
default router: all of main/status
TrieRouter: status of main
default router, first route alone: status of main
TEXT
node try.mjs | tee seen
diff expected seen
echo "As described: hono 4.13.19."
