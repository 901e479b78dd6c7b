#!/usr/bin/env bash
# k8s.io/apimachinery 0.34.0: the value of a quantity beyond 9.2E is 0, or negative, and the value of 1E in thousandths is 0.
#
# One would guess: a quantity that the API server accepts and prints back has a value; one too large for 64 bits is cut to the largest.
# What happens: `12E` is accepted and stays "12E", but Value() is 0, as MilliValue() of `1E` is. `Cmp` still orders them rightly.
# Who is hurt: controllers and reports that add up limits, sizes and quotas by Value(): "as good as unlimited" counts as nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
go mod init try 2>/dev/null
GOFLAGS=-modcacherw go get k8s.io/apimachinery@v0.34.0 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
)

func main() {
	small := resource.MustParse("1Gi")
	for _, text := range []string{"1P", "1E", "9E", "12E"} {
		quantity := resource.MustParse(text)
		fmt.Printf("%s: text %s, value %d, thousandths %d, larger than 1Gi: %t\n", text, quantity.String(), quantity.Value(), quantity.MilliValue(), quantity.Cmp(small) > 0)
	}
}
GO
cat >expected <<'TEXT'
1P: text 1P, value 1000000000000000, thousandths 1000000000000000000, larger than 1Gi: true
1E: text 1E, value 1000000000000000000, thousandths 0, larger than 1Gi: true
9E: text 9E, value 9000000000000000000, thousandths 0, larger than 1Gi: true
12E: text 12E, value 0, thousandths 0, larger than 1Gi: true
TEXT
GOFLAGS=-mod=mod go run . 2>errors | tee seen || { cat errors; exit 1; }
diff expected seen
echo "As described: k8s.io/apimachinery 0.34.0."
