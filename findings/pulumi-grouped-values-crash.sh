#!/usr/bin/env bash
# @pulumi/pulumi 3.270.0: an object without a prototype, as JavaScript itself makes them, cannot be a property of a resource.
#
# One would guess: `Object.groupBy(…)` and the `groups` of a regular expression's match are plain objects and can be labels or data.
# What happens: registering the resource throws "Cannot convert object to primitive value": for its own log line the SDK turns every
#   property into text. The same object one level deeper is accepted, and a copy by `{ ...value }` is, too.
# Who is hurt: whoever groups services by team and passes the result on. The message names neither the resource nor the property.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @pulumi/pulumi@3.270.0 node@24
cat >try.mjs <<'JS'
import * as pulumi from "@pulumi/pulumi";
await pulumi.runtime.setMocks({ newResource: ({ name, inputs }) => ({ id: name, state: inputs }), call: ({ inputs }) => inputs });
const settled = (output) => new Promise((resolve) => output.apply(resolve));
const labels = /^(?<team>.*)-(?<service>.*)$/.exec("shop-web").groups;
process.on("uncaughtException", (error) => (console.log(`plain: ${error.message}`), process.exit(0)));
for (const [name, properties] of Object.entries({ nested: { metadata: { labels } }, copied: { labels: { ...labels } }, plain: { labels } })) {
  const resource = new pulumi.CustomResource("test:index:Any", name, properties);
  await settled(resource.urn);
  console.log(`${name}: registered`);
}
JS
cat >expected <<'TEXT'
nested: registered
copied: registered
plain: Cannot convert object to primitive value
TEXT
PATH="$work/node_modules/.bin:$PATH"
node try.mjs 2>errors | tee seen || true # the rejected promise ends the program
diff expected seen || { cat errors; exit 1; }
echo "As described: @pulumi/pulumi 3.270.0."
