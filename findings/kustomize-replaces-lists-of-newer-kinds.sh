#!/usr/bin/env bash
# kustomize 5.8.1: in what Kubernetes has had since 1.22, a strategic merge patch replaces lists that it merges in what is older.
#
# One would guess: `variables` and `matchConditions` of a ValidatingAdmissionPolicy, and `resourceClaims` of pods, are merged by `name`, as
#   containers and volumes are. Kubernetes' types say so, and `kubectl patch` does it.
# What happens: kustomize merges by an OpenAPI of its own, that of Kubernetes 1.21. What that does not know, whole kinds or single fields of old
#   ones, it takes for a custom resource's: the list of the patch is all that is left. The build succeeds.
# Who is hurt: whoever adds one variable, one match condition or one claim in an overlay. The others are gone: a policy refers to variables
#   that it has not, or matches what it was to leave out, and pods start without a device.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
GOBIN="$work/bin" GOFLAGS=-modcacherw go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
cat >object.yaml <<'YAML'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: images }
spec:
  matchConditions:
    - { name: no-nodes, expression: "!request.userInfo.username.startsWith('system:node:')" }
  variables:
    - { name: images, expression: "object.spec.containers.map(c, c.image)" }
  validations: [{ expression: "variables.images.all(i, i.contains('@sha256:'))" }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      resourceClaims: [{ name: gpu, resourceClaimName: gpu }]
      volumes: [{ name: tmp, emptyDir: {} }]
      containers: [{ name: web, image: web }]
YAML
cat >patch.yaml <<'YAML'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: images }
spec:
  matchConditions: [{ name: no-dev, expression: "request.namespace != 'dev'" }]
  variables: [{ name: exempt, expression: "['acme/debug']" }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    spec:
      resourceClaims: [{ name: net, resourceClaimName: net }]
      volumes: [{ name: cache, emptyDir: {} }]
YAML
cat >kustomization.yaml <<'YAML'
resources: [object.yaml]
patches: [{ path: patch.yaml }]
YAML
cat >expected <<'TEXT'
matchConditions: no-dev
resourceClaims: net
variables: exempt
volumes: cache tmp
TEXT
bin/kustomize openapi info | grep -F 'version:v1.21.2'
bin/kustomize build . | awk '
  /^[-a-zA-Z]/ { list = "" }
  /^ +(matchConditions|resourceClaims|variables|volumes):$/ { list = $1; names[list] = ""; next }
  /^ +[a-z]+[A-Z]?[A-Za-z]*:$/ && !/^ *-/ { list = "" }
  list != "" && match($0, /name: /) { names[list] = names[list] " " $NF }
  END { for (list in names) print list names[list] }' | sort | tee seen
diff expected seen
# What Kubernetes merges them by, in its own types.
GOFLAGS=-modcacherw go mod download -json k8s.io/api@v0.37.2 >module
types="$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' module)"
fields() { sed -n "/^type $1 struct/,/^}/p" "$types/$2/v1/types.go" | grep -E '`json:"(variables|matchConditions|resourceClaims|volumes),'; }
{ fields ValidatingAdmissionPolicySpec admissionregistration && fields PodSpec core; } >fields
test "$(grep -c 'patchMergeKey:"name"' fields)" = 4
echo "As described: kustomize 5.8.1."
