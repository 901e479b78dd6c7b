#!/usr/bin/env bash
# github.com/moby/buildkit 0.26.0: a shell's shift operator between spaces is read as the beginning of a here-document.
#
# One would guess: `RUN echo $((1 << 2))` is arithmetic, as it is to sh and bash, and prints 4.
# What happens: the line is split at spaces like words of a shell, without its brackets: `<<` and `2))` are the redirection of a here-document that
#   ends at a line "2))". There is none, and the build stops with "unterminated heredoc". Without the spaces, or in double quotes,
#   the same line is built.
# Who is hurt: whoever computes sizes, masks or numbers of processes in a RUN line (`make -j $((1 << n))`); builders before the
#   here-documents of Dockerfile 1.4 have built it.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
go mod init try 2>/dev/null
GOFLAGS=-modcacherw go get github.com/moby/buildkit@v0.26.0 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	for _, line := range []string{"RUN echo $((1 << 2))", "RUN echo $((1<<2))", `RUN echo "$((1 << 2))"`} {
		_, err := parser.Parse(strings.NewReader("FROM scratch\n" + line + "\n"))
		if err != nil {
			fmt.Printf("%s: %v\n", line, err)
		} else {
			fmt.Printf("%s: parsed\n", line)
		}
	}
}
GO
cat >expected <<'TEXT'
RUN echo $((1 << 2)): unterminated heredoc
RUN echo $((1<<2)): parsed
RUN echo "$((1 << 2))": parsed
TEXT
GOFLAGS=-mod=mod go run . 2>errors | tee seen || { cat errors; exit 1; }
diff expected seen
[ "$(sh -c 'echo $((1 << 2))')" = 4 ]
echo "As described: github.com/moby/buildkit 0.26.0."
