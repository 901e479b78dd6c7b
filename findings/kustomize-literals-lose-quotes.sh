#!/usr/bin/env bash
# kustomize 5.8.1: the same line means one value in `literals` and another in a file of `envs`, and quotes inside of it are no quotes.
#
# One would guess: `NAME="a value"` is the same in both lists of a configMapGenerator, either with its quotes or without.
# What happens: from a file the quotes stay in the value. From a literal the first and the last are cut off, without any reading of
#   what is between: `"a" "b"` becomes `a" "b`, and the backslashes of `"{\"a\":1}"` stay, so that the JSON is no JSON any more.
# Who is hurt: whoever moves settings from an env file into literals, or back, or writes one from a shell's or Docker's format.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
GOBIN="$work/bin" GOFLAGS=-modcacherw go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
cat >settings.env <<'TEXT'
FILE_WORD="a value"
FILE_JSON="{\"a\":1}"
TEXT
cat >kustomization.yaml <<'YAML'
generatorOptions: {disableNameSuffixHash: true}
configMapGenerator:
- name: settings
  envs: [settings.env]
  literals:
  - LITERAL_WORD="a value"
  - LITERAL_JSON="{\"a\":1}"
  - LITERAL_TWO="a" "b"
YAML
cat >expected <<'YAML'
apiVersion: v1
data:
  FILE_JSON: '"{\"a\":1}"'
  FILE_WORD: '"a value"'
  LITERAL_JSON: '{\"a\":1}'
  LITERAL_TWO: a" "b
  LITERAL_WORD: a value
kind: ConfigMap
metadata:
  name: settings
YAML
bin/kustomize build . | tee seen
diff expected seen
echo "As described: kustomize $(bin/kustomize version)."
