#!/usr/bin/env bash
# kustomize 5.8.1: the `name` of an entry in `images` is a regular expression, so a dot in it stands for any character, and the
# entry also changes an image of another name.
#
# One would guess: `name: acme/web.api` is the image acme/web.api, as a registry reads it.
# What happens: acme/web-api gets the tag, too, and with `newName` it becomes the other image: two containers run one program.
#   An ephemeral container of the name that was meant keeps its image.
# Who is hurt: whoever has names that differ in a dot and a dash only, which Docker Hub and every registry take as two repositories.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
GOBIN="$work/bin" GOFLAGS=-modcacherw go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
cat >kustomization.yaml <<'YAML'
resources: [pod.yaml]
images: [{name: acme/web.api, newName: mirror/web.api, newTag: "2"}]
YAML
cat >pod.yaml <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - {name: meant, image: "acme/web.api:1"}
  - {name: other, image: "acme/web-api:1"}
  ephemeralContainers:
  - {name: debug, image: "acme/web.api:1"}
YAML
cat >expected <<'TEXT'
mirror/web.api:2 meant
mirror/web.api:2 other
acme/web.api:1 debug
TEXT
bin/kustomize build . | awk '/image:/ {image = $NF} / name: [a-z]+$/ && image {print image, $NF; image = ""}' | tee seen
diff expected seen
echo "As described: kustomize $(bin/kustomize version)."
