#!/usr/bin/env bash
# kustomize 5.8.1: a strategic merge patch of a port is dropped without a word where only one of manifest and patch names the
# protocol.
#
# One would guess: ports of containers are merged by `containerPort` and those of Services by `port`, which are the merge keys in
#   Kubernetes' OpenAPI. `kubectl patch` does so, and documentation shows patches without `protocol`, whose default is TCP.
# What happens: with `protocol: TCP` in the manifest and none in the patch, or the other way round, the other fields of the patch
#   (`hostPort`, `name`, `appProtocol`, `targetPort`) are lost, and the build succeeds. With it in both, or in neither, all is merged.
# Who is hurt: whoever adds a hostPort, an appProtocol or another name by an overlay; the object looks patched and is not.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
GOBIN="$work/bin" GOFLAGS=-modcacherw go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
cat >kustomization.yaml <<'YAML'
resources: [objects.yaml]
patches: [{path: patch.yaml}]
YAML
for manifest in ", protocol: TCP" ""; do
  for patch in "" ", protocol: TCP"; do
    cat >objects.yaml <<YAML
apiVersion: v1
kind: Service
metadata: {name: link}
spec: {ports: [{name: http, port: 80$manifest}]}
YAML
    cat >patch.yaml <<YAML
apiVersion: v1
kind: Service
metadata: {name: link}
spec: {ports: [{port: 80, appProtocol: http$patch}]}
YAML
    lines=$(bin/kustomize build . | grep -c "appProtocol: http" || true)
    echo "manifest {port: 80$manifest}, patch {port: 80$patch}: appProtocol is there $lines times" | tee -a seen
  done
done
cat >expected <<'TXT'
manifest {port: 80, protocol: TCP}, patch {port: 80}: appProtocol is there 0 times
manifest {port: 80, protocol: TCP}, patch {port: 80, protocol: TCP}: appProtocol is there 1 times
manifest {port: 80}, patch {port: 80}: appProtocol is there 1 times
manifest {port: 80}, patch {port: 80, protocol: TCP}: appProtocol is there 0 times
TXT
diff expected seen
echo "As described: kustomize $(bin/kustomize version)."
