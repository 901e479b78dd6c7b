#!/usr/bin/env bash
# @kubernetes/client-node 2.0.1: `loadYaml` drops every field of a built-in kind that this version of the client does not know.
#
# One would guess: the YAML is parsed, and the API server judges it: it keeps, warns about or refuses a field (`fieldValidation`).
# What happens: the object is rebuilt from the client's own models. A field of a newer API, or one with a slip in its name, is gone
#   before anything is sent, so the strictest `fieldValidation` has nothing to refuse. An unknown kind keeps all of its fields.
# Who is hurt: whoever applies manifests by this client against a cluster newer than it: a new security or scheduling field is written in
#   Git, accepted without a warning, and not on the cluster.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @kubernetes/client-node@2.0.1 node@24
cat >try.mjs <<'JS'
import { loadYaml } from "@kubernetes/client-node";
const manifest = (apiVersion) => `apiVersion: ${apiVersion}
kind: Ingress
metadata: { name: web }
spec: { ingressClassName: shared, fieldOfTomorrow: true }
`;
for (const apiVersion of ["networking.k8s.io/v1", "example.com/v1"])
  console.log(`${apiVersion}: ${JSON.stringify(loadYaml(manifest(apiVersion)).spec)}`);
JS
cat >expected <<'TEXT'
networking.k8s.io/v1: {"ingressClassName":"shared"}
example.com/v1: {"ingressClassName":"shared","fieldOfTomorrow":true}
TEXT
PATH="$work/node_modules/.bin:$PATH"
node try.mjs | tee seen
diff expected seen
echo "As described: @kubernetes/client-node 2.0.1."
