#!/usr/bin/env bash
# picomatch 4.0.7: inside braces, `**/` takes at least one directory; outside of them it takes none, too.
#
# One would guess: `{**/*.py,Makefile}` matches what `**/*.py` or `Makefile` match, since braces are alternatives. minimatch,
#   Bash and Git's own globs read it so.
# What happens: `**/*.py` matches `a.py`, and `{**/*.py,Makefile}` does not; it matches `src/a.py`.
# Who is hurt: whoever filters changed files by a list of globs joined into one pattern. Files in the root are left out without a
#   word, and a pipeline does not run for them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent picomatch@4.0.7 minimatch@10.1.1
cat >try.mjs <<'JS'
import picomatch from "picomatch";
import { minimatch } from "minimatch";
for (const [pattern, path] of [["**/*.py", "a.py"], ["{**/*.py,Makefile}", "a.py"], ["{**/*.py,Makefile}", "src/a.py"]])
  console.log(`${pattern} ${path}: picomatch ${picomatch(pattern)(path)}, minimatch ${minimatch(path, pattern)}`);
JS
cat >expected <<'TEXT'
**/*.py a.py: picomatch true, minimatch true
{**/*.py,Makefile} a.py: picomatch false, minimatch true
{**/*.py,Makefile} src/a.py: picomatch true, minimatch true
TEXT
node try.mjs | tee seen
diff expected seen
echo "As described: picomatch 4.0.7."
