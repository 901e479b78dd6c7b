#!/usr/bin/env bash
# Pulumi 3.258.0: a plain value in a stack file reaches the program as what YAML makes of it, written anew.
#
# One would guess: configuration is text: `pulumi config set` stores "1.10" and `config.require` gives "1.10", and so does an edited file.
# What happens: without quotes 1.10 arrives as 1.1, 2026-01-31 as "2026-01-31 00:00:00 +0000 UTC", 017 and 0o17 as 15, 1_000 as 1000,
#   12345678901234567890123 as 1.2345678901234568e+22; `yes` and 12:30 stay text. The date is in neither of the forms of YAML or JSON.
# Who is hurt: whoever edits Pulumi.<stack>.yaml by hand: versions, dates, file modes, account numbers.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
cat >Pulumi.dev.yaml <<'YAML'
config:
  shop:account: 12345678901234567890123
  shop:count: 1_000
  shop:mode: 017
  shop:released: 2026-01-31
  shop:version: 1.10
  shop:window: 12:30
  shop:word: yes
YAML
go mod init try 2>/dev/null
GOFLAGS=-modcacherw go get github.com/pulumi/pulumi/sdk/v3@v3.258.0 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

func main() {
	project := &workspace.Project{Name: "shop", Runtime: workspace.NewProjectRuntimeInfo("nodejs", nil)}
	stack, err := workspace.LoadProjectStack(nil, project, "Pulumi.dev.yaml")
	if err != nil {
		panic(err)
	}
	values, err := stack.Config.Decrypt(config.NopDecrypter)
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"account", "count", "mode", "released", "version", "window", "word"} {
		fmt.Printf("%s: %s\n", name, values[config.MustMakeKey("shop", name)])
	}
}
GO
cat >expected <<'TEXT'
account: 1.2345678901234568e+22
count: 1000
mode: 15
released: 2026-01-31 00:00:00 +0000 UTC
version: 1.1
window: 12:30
word: yes
TEXT
GOFLAGS=-mod=mod go run . 2>errors | tee seen || { cat errors; exit 1; }
diff expected seen
echo "As described: github.com/pulumi/pulumi/sdk/v3 3.258.0, which the CLI of this version reads stack files with."
