#!/bin/sh
# Installs the npm packages whenever what they are made from has changed: all that a fresh clone needs before its scripts run.
set -eu
cd "$(dirname "$0")/.."
desired=$(cat package.json package-lock.json sandbox/package.json sdks/*/package.json sdks/*/*.ts | sha256sum)
stamp=node_modules/.installed
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$desired" ]; then
  echo "Installing npm packages …" >&2
  npm ci --no-progress --loglevel=error >&2
  printf '%s' "$desired" >"$stamp"
fi
