#!/usr/bin/env bash
# github.com/moby/patternmatcher 0.6.1 (.dockerignore of Docker and BuildKit): `|` and a backslash before a letter reach the regular expression
# behind a pattern as they are.
#
# One would guess: beside `*`, `?`, `[…]` and `**` every character is itself, as the documentation (Go's filepath.Match) has it.
# What happens: `*.log|tmp` is the expression ^[^/]*\.log|tmp$: it leaves out all that begins like a.log, and src/tmp. Without the star
#   `|` is itself. `build\dist` on Linux is "build", any digit, "ist", and `bin\Debug` does not leave out bin/Debug. No error, no warning.
# Who is hurt: whoever writes two patterns into one line or brings an ignore file with the separators of Windows: sources miss in the image, or
#   hundreds of megabytes are in its context.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
go mod init try 2>/dev/null
GOFLAGS=-modcacherw go get github.com/moby/patternmatcher@v0.6.1 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/moby/patternmatcher"
)

func main() {
	for _, pair := range [][2]string{
		{"*.log|tmp", "a.log|tmp"},
		{"*.log|tmp", "a.logic"},
		{"*.log|tmp", "src/tmp"},
		{"a.log|tmp", "src/tmp"},
		{`build\dist`, "build/dist"},
		{`build\dist`, "build1ist"},
		{`bin\Debug`, "bin/Debug"},
		{`bin\Debug`, "binDebug"},
	} {
		matcher, err := patternmatcher.New([]string{pair[0]})
		if err != nil {
			panic(err)
		}
		ignored, err := matcher.MatchesOrParentMatches(pair[1])
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s %s: %t\n", pair[0], pair[1], ignored)
	}
}
GO
cat >expected <<'TEXT'
*.log|tmp a.log|tmp: true
*.log|tmp a.logic: true
*.log|tmp src/tmp: true
a.log|tmp src/tmp: false
build\dist build/dist: false
build\dist build1ist: true
bin\Debug bin/Debug: false
bin\Debug binDebug: true
TEXT
GOFLAGS=-mod=mod go run . 2>errors | tee seen || { cat errors; exit 1; }
diff expected seen
echo "As described: github.com/moby/patternmatcher 0.6.1."
