#!/usr/bin/env bash
# github.com/compose-spec/compose-go 2.16.2 (Docker Compose): where `{}` is a variable's default, what stands behind it is lost or moves.
#
# One would guess: `--labels=${LABELS:-{}} --limit=${LIMIT:-5}` is `--labels={} --limit=5`, since the default of a variable may have braces:
#   `${LABELS:-{"a":1}}` is one.
# What happens: whoever counts the braces passes over the character behind an opening one, here the closing one, so the variable ends
#   somewhere later. With LABELS set, the rest of the text is gone without a word; without it, `{}} and {x}` is what one gets of
#   `{} and {x}`, or an error. At the end of a text all is right, and so is `{ }` with a space, anywhere.
# Who is hurt: whoever gives a program options as JSON, with nothing as the default: a command loses all options behind it as
#   soon as somebody sets the variable.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
go mod init try 2>/dev/null
GOFLAGS=-modcacherw go get github.com/compose-spec/compose-go/v2/template@v2.16.2 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/compose-spec/compose-go/v2/template"
)

func main() {
	for _, known := range []map[string]string{{}, {"LABELS": "[1]"}} {
		for _, text := range []string{
			`--labels=${LABELS:-{}}`,
			`--labels=${LABELS:-{"a":1}} --limit=${LIMIT:-5}`,
			`--labels=${LABELS:-{ }} --limit=${LIMIT:-5}`,
			`--labels=${LABELS:-{}} --limit=${LIMIT:-5}`,
			`${LABELS:-{}} and {x}`,
		} {
			result, err := template.Substitute(text, func(name string) (string, bool) {
				value, ok := known[name]
				return value, ok
			})
			if err != nil {
				result = "an error"
			}
			fmt.Printf("%v %s: %s\n", known, text, result)
		}
	}
}
GO
cat >expected <<'TEXT'
map[] --labels=${LABELS:-{}}: --labels={}
map[] --labels=${LABELS:-{"a":1}} --limit=${LIMIT:-5}: --labels={"a":1} --limit=5
map[] --labels=${LABELS:-{ }} --limit=${LIMIT:-5}: --labels={ } --limit=5
map[] --labels=${LABELS:-{}} --limit=${LIMIT:-5}: an error
map[] ${LABELS:-{}} and {x}: {}} and {x
map[LABELS:[1]] --labels=${LABELS:-{}}: --labels=[1]
map[LABELS:[1]] --labels=${LABELS:-{"a":1}} --limit=${LIMIT:-5}: --labels=[1] --limit=5
map[LABELS:[1]] --labels=${LABELS:-{ }} --limit=${LIMIT:-5}: --labels=[1] --limit=5
map[LABELS:[1]] --labels=${LABELS:-{}} --limit=${LIMIT:-5}: --labels=[1]
map[LABELS:[1]] ${LABELS:-{}} and {x}: [1]
TEXT
go run . 2>/dev/null | tee seen
diff expected seen
echo "As described: compose-go 2.16.2, $(go version)."
