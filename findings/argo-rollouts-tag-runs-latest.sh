#!/usr/bin/env bash
# Argo Rollouts 1.10.2: `manifests/install.yaml` at the tag of a release runs the image `latest`, not that of the release.
#
# One would guess: what lies at the tag v1.10.2 installs 1.10.2, as with Argo CD, whose manifests at a tag name the tag's image.
# What happens: the file at the tag, which is also in the Go module v1.10.2, names `quay.io/argoproj/argo-rollouts:latest`. Only the
#   file that GitHub offers for download with the release has the version in it. So do `manifests/cluster-install` and
#   `manifests/namespace-install`, the kustomizations. The definitions of kinds stay those of the tag, whatever the controller becomes.
# Who is hurt: whoever pins Argo Rollouts by Git's tag: kustomize with `github.com/argoproj/argo-rollouts//manifests/cluster-install?ref=v1.10.2`,
#   Argo CD with targetRevision, vendored copies.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
export GOMODCACHE="$work/modules" GOFLAGS=-mod=mod GOTOOLCHAIN=local
image() {
  # An older Go fetches the archive, and refuses to use it.
  zip=$({ go mod download -json "$1" || true; } | sed -n 's/^\t"Zip": "\(.*\)",*$/\1/p')
  unzip -p "$zip" "$1/manifests/install.yaml" >install.yaml
  grep -ho 'image: quay.io/argoproj/[a-z-]*:[a-z0-9.]*' install.yaml | sort -u | sed "s|^|$1 |"
}
cat >expected <<'TEXT'
github.com/argoproj/argo-cd/v3@v3.6.1 image: quay.io/argoproj/argocd:v3.6.1
github.com/argoproj/argo-rollouts@v1.10.2 image: quay.io/argoproj/argo-rollouts:latest
TEXT
{
  image github.com/argoproj/argo-cd/v3@v3.6.1
  image github.com/argoproj/argo-rollouts@v1.10.2
} | tee seen
diff expected seen
echo "As described: $(go version)."
