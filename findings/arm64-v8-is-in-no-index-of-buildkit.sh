#!/usr/bin/env bash
# go-containerregistry 0.20.6 (crane, ko, cosign) beside containerd/platforms 1.0.0-rc.1 (BuildKit, Docker, containerd): an image that was built for
# linux/arm64/v8 is not found there as linux/arm64/v8.
#
# One would guess: the platform that an image is built for is the one by which its index is asked, `linux/arm64/v8` as well as `linux/arm64`.
# What happens: containerd writes each platform in its shortest form, `linux/arm64/v8` as `linux/arm64` and `linux/amd64/v1` as `linux/amd64`, and takes
#   both for the same when it reads. go-containerregistry compares the variant as text: none means any to the one who asks, but one in the index
#   that says none does not have the one asked for. Docker's official images name `v8`, so the same question is answered there.
# Who is hurt: pipelines that build with BuildKit and copy, sign or scan by `--platform linux/arm64/v8`, after it has worked with their base images:
#   "no child with platform linux/arm64/v8 in index", though the image is there and runs.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
export GOFLAGS=-mod=mod GOPATH="$work/go" GOCACHE="$work/compiled" GOTOOLCHAIN=auto
cat >go.mod <<'TEXT'
module example

go 1.25

require (
	github.com/containerd/platforms v1.0.0-rc.1
	github.com/google/go-containerregistry v0.20.6
)
TEXT
cat >main.go <<'TEXT'
package main

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/containerd/platforms"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	reference := must(name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/acme/shop:1"))

	// What an index says of an image that is built for a platform.
	written := platforms.Normalize(must(platforms.Parse("linux/arm64/v8")))
	platform := &v1.Platform{OS: written.OS, Architecture: written.Architecture, Variant: written.Variant}
	fmt.Println("built for linux/arm64/v8, written as", platform)
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: empty.Image, Descriptor: v1.Descriptor{Platform: platform}})
	if err := remote.WriteIndex(reference, index); err != nil {
		panic(err)
	}

	for _, wanted := range []string{"linux/arm64", "linux/arm64/v8"} {
		found := "found"
		if _, err := remote.Image(reference, remote.WithPlatform(*must(v1.ParsePlatform(wanted)))); err != nil {
			found = strings.SplitN(err.Error(), ",", 2)[0]
			found = strings.SplitN(found, " in index", 2)[0]
		}
		fmt.Printf("%s: go-containerregistry: %s; containerd: %t\n", wanted, found, platforms.OnlyStrict(must(platforms.Parse(wanted))).Match(written))
	}
}
TEXT
cat >expected <<'TEXT'
built for linux/arm64/v8, written as linux/arm64
linux/arm64: go-containerregistry: found; containerd: true
linux/arm64/v8: go-containerregistry: no child with platform linux/arm64/v8; containerd: true
TEXT
go run . 2>log | tee seen || cat log
diff expected seen
echo "As described: go-containerregistry $(go list -m -f '{{.Version}}' github.com/google/go-containerregistry), platforms $(go list -m -f '{{.Version}}' github.com/containerd/platforms)."
