#!/usr/bin/env bash
# yaml 2.9.1 (npm): read as YAML 1.1, a single dot is NaN.
#
# One would guess: `context: .` is the text ".", as YAML 1.2, PyYAML and Go's yaml read it; a number has a digit.
# What happens: with `version: "1.1"`, or below a `%YAML 1.1` line, `.` is the number NaN, in a list as well; ".." stays a text.
# Who is hurt: whoever reads what is written for YAML 1.1 readers (compose files, old CI configurations) by their rules: the most
#   frequent build context of all becomes NaN, and `path.join` or JSON make "NaN" or null of it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent yaml@2.9.1
cat >try.mjs <<'JS'
import { parse } from "yaml";
const text = "build: { context: ., file: .. }";
console.log("1.2:", parse(text).build);
console.log("1.1:", parse(text, { version: "1.1" }).build);
console.log("%YAML 1.1:", parse(`%YAML 1.1\n---\n${text}\n`).build);
JS
cat >expected <<'TEXT'
1.2: { context: '.', file: '..' }
1.1: { context: NaN, file: '..' }
%YAML 1.1: { context: NaN, file: '..' }
TEXT
node try.mjs | tee seen
diff expected seen
echo "As described: yaml 2.9.1."
