#!/usr/bin/env bash
# kustomize 5.8.1: a ValidatingAdmissionPolicyBinding follows a new name of its policy, but not one of its parameters.
#
# One would guess: where `namePrefix`, `nameSuffix` or the hash of a generated ConfigMap changes a name, every reference to it
#   changes, too, as `policyName` of the same binding does; and `namespace` moves the reference along with the ConfigMap.
# What happens: `policyName` gets the prefix. `paramRef.name` and `paramRef.namespace` stay as they are written, and so name a
#   ConfigMap that is not there. The build succeeds.
# Who is hurt: whoever keeps a policy's parameters beside it. With `parameterNotFoundAction: Deny` the cluster refuses everything
#   that the policy matches; with `Allow` it checks nothing any more.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
GOBIN="$work/bin" GOFLAGS=-modcacherw go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
cat >policy.yaml <<'YAML'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
  validations: [{expression: "object.spec.replicas <= int(params.data.most)"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec:
  policyName: replicas
  paramRef: {name: limits, namespace: shop, parameterNotFoundAction: Deny}
  validationActions: [Deny]
YAML
cat >kustomization.yaml <<'YAML'
namespace: staging
namePrefix: eu-
resources: [policy.yaml]
configMapGenerator: [{name: limits, namespace: shop, literals: [most=5], options: {disableNameSuffixHash: true}}]
YAML
bin/kustomize build . >built.yaml
awk '
  /^kind:/ { kind = $2 }
  /^---/ { kind = "" }
  kind == "ConfigMap" && /^  (name|namespace):/ { print "ConfigMap", $1, $2 }
  kind ~ /Binding$/ && /^  policyName:/ { print "binding", $1, $2 }
  kind ~ /Binding$/ && /^    (name|namespace):/ { print "paramRef", $1, $2 }
' built.yaml | sort | tee seen
cat >expected <<'TXT'
binding policyName: eu-replicas
ConfigMap name: eu-limits
ConfigMap namespace: staging
paramRef name: limits
paramRef namespace: shop
TXT
diff <(sort expected) seen
echo "As described: kustomize $(bin/kustomize version)."
