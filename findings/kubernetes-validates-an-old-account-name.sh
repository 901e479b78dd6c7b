#!/usr/bin/env bash
# k8s.io/kubernetes 1.34.5 and 1.37.2: the same pod template is valid by the one's code, and refused by the other's.
#
# One would guess: what Kubernetes' own validation takes of a pod template, it takes in later releases, too; a controller that calls it
#   for templates in its own kinds, as Argo Rollouts 1.10 does, can be built with newer libraries and goes on.
# What happens: 1.37 wants `serviceAccount`, the deprecated name, to be the same as `serviceAccountName`. The API server fills it in for its
#   own kinds, before it validates. In a custom resource nobody does, so that every template with a service account is refused.
# Who is hurt: whoever builds such a controller with the libraries of 1.37: all compiles, and each Rollout with a service account
#   is Degraded (InvalidSpec) for ever. Fill in the defaults first (RegisterDefaults of pkg/apis/core/v1), or keep the libraries of the release.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

# What a controller does with a template of its kind: converts it, and validates it. Then the same with the API server's defaults.
validate() { # VERSION OF KUBERNETES, MINOR
  mkdir "$work/$1" && cd "$work/$1"
  go mod init example.com/template 2>/dev/null
  # Its parts have no versions among its requirements, but directories.
  parts=$(sed -nE 's|^\s*(replace )?(k8s.io/[a-z-]+) => ./staging/.*|\2|p' "$(go mod download -json "k8s.io/kubernetes@v1.$2" | sed -nE 's/.*"GoMod": "(.*)".*/\1/p')")
  for part in $parts; do go mod edit "-replace=$part=$part@v0.$2"; done
  go mod edit "-require=k8s.io/kubernetes@v1.$2"
  cat >main.go <<'GO'
package main

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/core"
	v1 "k8s.io/kubernetes/pkg/apis/core/v1"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

func check(what string, template corev1.PodTemplateSpec) {
	var internal core.PodTemplateSpec
	if err := v1.Convert_v1_PodTemplateSpec_To_core_PodTemplateSpec(&template, &internal, nil); err != nil {
		panic(err)
	}
	fmt.Println(what, validation.ValidatePodTemplateSpec(&internal, field.NewPath("template"), validation.PodValidationOptions{}).ToAggregate())
}

func main() {
	grace := int64(30)
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		ServiceAccountName:            "web",
		RestartPolicy:                 corev1.RestartPolicyAlways,
		DNSPolicy:                     corev1.DNSClusterFirst,
		TerminationGracePeriodSeconds: &grace,
		Containers: []corev1.Container{{
			Name: "web", Image: "web", ImagePullPolicy: corev1.PullAlways,
			TerminationMessagePolicy: corev1.TerminationMessageReadFile,
		}},
	}}
	check("as written:", template)
	template.Spec.DeprecatedServiceAccount = "web"
	check("both names:", template)
}
GO
  go mod tidy 2>/dev/null
  CGO_ENABLED=0 go run .
}

older=$(validate older 34.5)
newer=$(validate newer 37.2)
printf '1.34.5\n%s\n1.37.2\n%s\n' "$older" "$newer"
[ "$older" = $'as written: <nil>\nboth names: <nil>' ]
[ "$newer" = $'as written: template.spec.deprecatedServiceAccount: Invalid value: "": must be the same as serviceAccountName: "web"\nboth names: <nil>' ]
echo "As described: 1.37 refuses what 1.34 takes, unless the old name is there, too."
