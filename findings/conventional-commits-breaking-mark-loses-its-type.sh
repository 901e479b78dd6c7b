#!/usr/bin/env bash
# conventional-commits-parser 7.1.4: a commit that begins with `feat!:` has no type and breaks nothing.
#
# One would guess: the parser that most changelog tools are built on reads `feat!: x` as a feature that breaks something, since
#   that is item 13 of Conventional Commits 1.0.0, of 2019; and `breaking change:` in small letters as nothing, as item 15 says.
# What happens: with the package's own defaults, `feat!: x` has no type, no subject and no note, and `breaking change: y` in the
#   footer is a note. Presets such as conventional-changelog-conventionalcommits bring the two patterns for `!`.
# Who is hurt: whoever counts versions by it without options of their own: the one commit that breaks callers counts for nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent --ignore-scripts conventional-commits-parser@7.1.4
cat >check.mjs <<'JS'
import { CommitParser } from "conventional-commits-parser";

const show = (message, options) => {
  const { type, subject, notes } = new CommitParser(options).parse(message);
  return JSON.stringify({ type: type ?? null, subject: subject ?? null, breaks: notes.length });
};
const expected = (title, found, wanted) => {
  console.log(`${title}: ${found}`);
  if (found !== wanted) throw new Error(`the behaviour has changed: expected ${wanted}`);
};
expected("defaults, `feat: x`", show("feat: x"), '{"type":"feat","subject":"x","breaks":0}');
expected("defaults, `feat!: x`", show("feat!: x"), '{"type":null,"subject":null,"breaks":0}');
expected("defaults, `breaking change: y` in the footer", show("feat: x\n\nbreaking change: y"), '{"type":"feat","subject":"x","breaks":1}');
const patterns = {
  headerPattern: /^(\w*)(?:\((.*)\))?!?: (.*)$/,
  breakingHeaderPattern: /^(\w*)(?:\((.*)\))?!: (.*)$/,
};
expected("with patterns, `feat!: x`", show("feat!: x", patterns), '{"type":"feat","subject":"x","breaks":1}');
JS
node check.mjs
