#!/bin/sh
# Installs the npm packages whenever what they are made from has changed: all that a fresh clone needs before its scripts run.
set -eu
cd "$(dirname "$0")/.."
desired=$(cat package.json package-lock.json sandbox/package.json sdks/*/package.json sdks/*/*.ts | sha256sum)
stamp=node_modules/.installed
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$desired" ]; then
  echo "Installing npm packages …" >&2
  all=$(grep -c '"integrity":' package-lock.json)
  npm ci --no-progress --loglevel=error >&2 &
  install=$!
  seconds=0
  # Nothing is silent for longer than ten seconds.
  while kill -0 "$install" 2>/dev/null; do
    if [ "$seconds" -gt 0 ] && [ $((seconds % 10)) -eq 0 ]; then
      there=$(find node_modules -name package.json 2>/dev/null | grep -cE 'node_modules/(@[^/]+/)?[^/]+/package\.json$' || true)
      echo "… Installing npm packages: $there of some $all are there, for $seconds s" >&2
    fi
    sleep 1
    seconds=$((seconds + 1))
  done
  wait "$install"
  printf '%s' "$desired" >"$stamp"
fi
