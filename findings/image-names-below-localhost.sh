#!/usr/bin/env bash
# github.com/distribution/reference 0.6.0 and go-containerregistry 0.20.6: `localhost/shop` is two different images.
#
# One would guess: both are the Docker image name grammar: what comes before the first slash is a registry if it has a dot or a colon,
#   or is "localhost".
# What happens: distribution/reference (Docker, containerd, BuildKit, Kubernetes) reads the registry localhost and the repository shop.
#   go-containerregistry (crane, ko, cosign) reads the repository localhost/shop on Docker Hub. With a port both read a registry. A
#   repository whose whole path is one letter (`example.com/a`) is a name for the first and an error for the second.
# Who is hurt: whoever builds by the one and copies or signs by the other; Podman gives each image it builds a name below `localhost/`.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
go mod init try 2>/dev/null
GOFLAGS=-modcacherw go get github.com/distribution/reference@v0.6.0 github.com/google/go-containerregistry@v0.20.6 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/name"
)

func main() {
	for _, text := range []string{"localhost/shop", "localhost:5000/shop", "example.com/shop", "example.com/a"} {
		named, err := reference.ParseNormalizedNamed(text)
		if err != nil {
			panic(err)
		}
		other := "refused"
		if parsed, err := name.ParseReference(text); err == nil {
			other = parsed.Context().RegistryStr() + " " + parsed.Context().RepositoryStr()
		}
		fmt.Printf("%s: %s %s | %s\n", text, reference.Domain(named), reference.Path(named), other)
	}
}
GO
cat >expected <<'TEXT'
localhost/shop: localhost shop | index.docker.io localhost/shop
localhost:5000/shop: localhost:5000 shop | localhost:5000 shop
example.com/shop: example.com shop | example.com shop
example.com/a: example.com a | refused
TEXT
GOFLAGS=-mod=mod go run . 2>errors | tee seen || { cat errors; exit 1; }
diff expected seen
echo "As described: distribution/reference 0.6.0, go-containerregistry 0.20.6."
