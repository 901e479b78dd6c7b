#!/usr/bin/env bash
# github.com/gobwas/glob 0.2.3 (Argo CD's projects and ApplicationSets, and others): alternatives of which one has a star and another has not are
# not tried rightly behind a text, nor is an empty one before a star.
#
# One would guess: `shop-{*-eu,web}` is `shop-*-eu` or `shop-web`.
# What happens: it matches shop-web, and not shop-a-eu; without the text before it, `{*-eu,web}` matches a-eu; and where both have a star all
#   is right. `v{1.*,2}` does not match v1.1, and `shop{-prod,}*` not shop, though `shop{-prod,}` and `shop*` do.
# Who is hurt: whoever joins two patterns into one in an AppProject's sources and destinations, or in filters of clusters and branches: what
#   should be allowed is refused, and what should be left out is not.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
go mod init try 2>/dev/null
GOFLAGS=-modcacherw go get github.com/gobwas/glob@v0.2.3 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/gobwas/glob"
)

func main() {
	for _, pair := range [][2]string{
		{"shop-{*-eu,web}", "shop-web"},
		{"shop-{*-eu,web}", "shop-a-eu"},
		{"shop-*-eu", "shop-a-eu"},
		{"{*-eu,web}", "a-eu"},
		{"shop-{*-eu,*-us}", "shop-a-eu"},
		{"v{1.*,2}", "v1.1"},
		{"shop{-prod,}", "shop"},
		{"shop{-prod,}*", "shop"},
	} {
		fmt.Printf("%s %s: %t\n", pair[0], pair[1], glob.MustCompile(pair[0]).Match(pair[1]))
	}
}
GO
cat >expected <<'TEXT'
shop-{*-eu,web} shop-web: true
shop-{*-eu,web} shop-a-eu: false
shop-*-eu shop-a-eu: true
{*-eu,web} a-eu: true
shop-{*-eu,*-us} shop-a-eu: true
v{1.*,2} v1.1: false
shop{-prod,} shop: true
shop{-prod,}* shop: false
TEXT
GOFLAGS=-mod=mod go run . 2>errors | tee seen || { cat errors; exit 1; }
diff expected seen
echo "As described: github.com/gobwas/glob 0.2.3."
