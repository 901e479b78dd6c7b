#!/usr/bin/env bash
# @pulumi/pulumi 3.270.0: an Output turns a Date, a URL and a Map into an empty object, and nothing says so.
#
# One would guess: `pulumi.output(value)` gives `value` back, and `pulumi.jsonStringify` is JSON.stringify for values with Outputs.
# What happens: everything of type "object" is copied key by key. `{ until: date }` becomes `{ until: {} }`, also as a property of a
#   resource, though JSON.stringify writes the date.
# Who is hurt: whoever reads manifests with a YAML library that makes Dates (`released: 2026-01-31` in an annotation), or writes a
#   policy with an end date: the object reaches the provider empty.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @pulumi/pulumi@3.270.0 js-yaml@4.1.0
cat >try.mjs <<'JS'
import * as pulumi from "@pulumi/pulumi";
import yaml from "js-yaml";
await pulumi.runtime.setMocks({
  newResource: ({ name, inputs }) => (console.log(`${name}: ${JSON.stringify(inputs)}`), { id: name, state: inputs }),
  call: ({ inputs }) => inputs,
});
const settled = (output) => new Promise((resolve) => output.apply(resolve));
const policy = yaml.load("until: 2026-01-31");
console.log(`JSON.stringify: ${JSON.stringify(policy)}`);
console.log(`jsonStringify: ${await settled(pulumi.jsonStringify(policy))}`);
const output = await settled(pulumi.output({ url: new URL("https://example.com/"), map: new Map([["a", 1]]) }));
console.log(`output: ${JSON.stringify(output)}`);
const resource = new pulumi.CustomResource("test:index:Policy", "resource", policy);
await settled(resource.urn);
JS
cat >expected <<'TEXT'
JSON.stringify: {"until":"2026-01-31T00:00:00.000Z"}
jsonStringify: {"until":{}}
output: {"url":{},"map":{}}
resource: {"until":{}}
TEXT
node try.mjs | tee seen
diff expected seen
echo "As described: @pulumi/pulumi 3.270.0."
