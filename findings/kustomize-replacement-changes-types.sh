#!/usr/bin/env bash
# kustomize 5.8.1: a replacement with `create: true` writes a text that looks like a number, a truth value, a date or nothing as
# that type, and with another value.
#
# One would guess: `replacements` copies the value of the source field. Into a field that exists it does: "0123" stays "0123".
# What happens: into a field that `create: true` makes, the same text goes without its quotes: "0123" arrives as 83 (octal), "1e3"
#   as 1000, "true" as a truth value, "~" as null, a date with a time added. The build succeeds.
# Who is hurt: whoever copies build numbers, commit hashes of digits, versions or account numbers into ConfigMaps and environment
#   variables. Where the API server wants text it refuses the object; where it takes anything (custom resources) another value runs.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
GOBIN="$work/bin" GOFLAGS=-modcacherw go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
{
  echo "resources: [objects.yaml]"
  echo "replacements:"
  for key in a b c d e; do
    for target in made existing; do
      echo "- source: {kind: ConfigMap, name: source, fieldPath: data.$key}"
      echo "  targets: [{select: {kind: ConfigMap, name: $target}, fieldPaths: [data.$key], options: {create: true}}]"
    done
  done
} >kustomization.yaml
cat >objects.yaml <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: source}
data: {a: "0123", b: "1e3", c: "true", d: "~", e: "2026-01-31"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: made}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: existing}
data: {a: "-", b: "-", c: "-", d: "-", e: "-"}
YAML
cat >expected <<'YAML'
apiVersion: v1
data:
  a: "0123"
  b: "1e3"
  c: "true"
  d: "~"
  e: "2026-01-31"
kind: ConfigMap
metadata:
  name: existing
---
apiVersion: v1
data:
  a: 83
  b: 1000
  c: true
  d: null
  e: "2026-01-31T00:00:00Z"
kind: ConfigMap
metadata:
  name: made
---
apiVersion: v1
data:
  a: "0123"
  b: "1e3"
  c: "true"
  d: "~"
  e: "2026-01-31"
kind: ConfigMap
metadata:
  name: source
YAML
bin/kustomize build . | tee seen
diff expected seen
echo "As described: kustomize $(bin/kustomize version)."
