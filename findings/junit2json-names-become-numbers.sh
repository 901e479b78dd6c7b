#!/usr/bin/env bash
# junit2json 4.0.0: names of tests, classes and files that begin like a number are returned as numbers, and as other ones.
#
# One would guess: `name`, `classname` and `file` are text, as the package's types say; only `tests`, `time` and the like are numbers.
# What happens: a case of the name "007" becomes 7, "1.10" becomes 1.1, "1e3" becomes 1, "0x10" becomes 0, and "Infinity" is
#   Infinity, which JSON turns into null. "10 items" stays text.
# Who is hurt: whoever follows flaky or slow tests by name, or compares reports of table tests whose rows are versions and numbers:
#   different tests fall together, and string functions fail on what the types call a string.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent junit2json@4.0.0 node@24
cat >try.mjs <<'JS'
import { parse } from "junit2json";
for (const name of ["007", "1.10", "1e3", "0x10", "Infinity", "10 items"]) {
  const report = await parse(`<testsuite name="rows"><testcase name="${name}" classname="v"/></testsuite>`);
  console.log(`${name}: ${JSON.stringify(report.testcase[0].name)}`);
}
JS
cat >expected <<'TEXT'
007: 7
1.10: 1.1
1e3: 1
0x10: 0
Infinity: null
10 items: "10 items"
TEXT
PATH="$work/node_modules/.bin:$PATH"
node try.mjs | tee seen
diff expected seen
echo "As described: junit2json 4.0.0."
