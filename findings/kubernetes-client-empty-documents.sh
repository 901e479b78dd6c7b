#!/usr/bin/env bash
# @kubernetes/client-node 2.0.1: `loadAllYaml` throws at a document that is empty or has comments only.
#
# One would guess: a stream like kubectl reads it: documents without content are skipped.
# What happens: "Cannot read properties of null (reading 'apiVersion')", without the document's place, and nothing of the stream is returned.
# Who is hurt: whoever feeds it the output of `helm template` or joined files: a template that renders nothing leaves such a document, and
#   whether it does depends on the values of an environment.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @kubernetes/client-node@2.0.1 node@24
cat >try.mjs <<'JS'
import { loadAllYaml } from "@kubernetes/client-node";
const configMap = (name) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;
const streams = {
  "two documents": `${configMap("a")}---\n${configMap("b")}`,
  "a comment between": `${configMap("a")}---\n# Source: templates/disabled.yaml\n---\n${configMap("b")}`,
  "a separator at the end": `${configMap("a")}---\n`,
};
for (const [title, stream] of Object.entries(streams)) {
  try {
    console.log(`${title}: ${loadAllYaml(stream).map((object) => object.metadata.name)}`);
  } catch (error) {
    console.log(`${title}: ${error.message}`);
  }
}
JS
cat >expected <<'TEXT'
two documents: a,b
a comment between: Cannot read properties of null (reading 'apiVersion')
a separator at the end: Cannot read properties of null (reading 'apiVersion')
TEXT
PATH="$work/node_modules/.bin:$PATH"
node try.mjs | tee seen
diff expected seen
echo "As described: @kubernetes/client-node 2.0.1."
