import type { types } from "@pulumi/kubernetes";
import { namespaceName, previewName, previewNamespaceLabel } from "../../core/names.ts";
import type { ManifestContext } from "./manifest-context.ts";
import { commonLabels } from "./metadata.ts";

type PolicySpec = types.input.admissionregistration.v1.ValidatingAdmissionPolicySpec;

/** A policy of the API server with its binding, which bears the same name. */
export interface PreviewBounds {
  readonly policy: types.input.admissionregistration.v1.ValidatingAdmissionPolicy;
  readonly binding: types.input.admissionregistration.v1.ValidatingAdmissionPolicyBinding;
}

interface BoundsArgs {
  readonly app: string;
  readonly gateway?: Pick<NonNullable<ManifestContext["gateway"]>, "domain"> | undefined;
  readonly ingress?: Pick<NonNullable<ManifestContext["ingress"]>, "domain"> | undefined;
  /** Whether the namespaces are held to a list of images, by their label. @default false */
  readonly admission?: boolean;
}

/**
 * What pull requests may declare in their namespaces. Their manifests are written by jobs of whoever may push a branch, so that
 * whatever these ask for, the nodes and the hosts of other environments must be out of reach: pods that no node has to fear, hosts of
 * their own, no address that belongs to others.
 */
export function previewBounds({ app, gateway, ingress, admission = false }: BoundsArgs): PreviewBounds {
  const start = namespaceName(app, previewName(""));
  const name = `${namespaceName(app, "previews")}.bounds`;
  const of = (kinds: readonly string[], condition: string, message: string) => ({
    expression: `!(request.kind.kind in ${JSON.stringify(kinds)}) || (${condition})`,
    message: `in the environment of a pull request, ${message}`,
    reason: "Forbidden",
  });
  const labels = Object.entries(admission ? previewNamespaceLabel(app) : {});
  const spec: PolicySpec = {
    failurePolicy: "Fail",
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [""],
          apiVersions: ["*"],
          operations: ["CREATE", "UPDATE"],
          resources: ["namespaces", "services"],
        },
        {
          apiGroups: ["networking.k8s.io"],
          apiVersions: ["*"],
          operations: ["CREATE", "UPDATE"],
          resources: ["ingresses"],
        },
        {
          apiGroups: ["gateway.networking.k8s.io"],
          apiVersions: ["*"],
          operations: ["CREATE", "UPDATE"],
          resources: ["httproutes", "grpcroutes"],
        },
      ],
    },
    matchConditions: [
      {
        name: "of-pull-requests",
        expression: `(request.kind.kind == "Namespace" ? object.metadata.name : request.namespace).startsWith(${JSON.stringify(start)})`,
      },
    ],
    variables: [
      // What is asked for is of several kinds, each of which has other fields.
      { name: "any", expression: "dyn(object)" },
      { name: "labels", expression: `variables.any.metadata.?labels.orValue({})` },
      // `pr-7`
      {
        name: "environment",
        expression: `request.namespace.replace(${JSON.stringify(namespaceName(app, ""))}, "", 1)`,
      },
      { name: "spec", expression: `variables.any.?spec.orValue({})` },
    ],
    validations: [
      of(
        ["Namespace"],
        `variables.labels[?"pod-security.kubernetes.io/enforce"].orValue("") in ["restricted", "baseline"]`,
        "the namespace must enforce Pod Security restricted or baseline (label pod-security.kubernetes.io/enforce)",
      ),
      ...labels.map(([label, value]) =>
        of(
          ["Namespace"],
          `variables.labels[?${JSON.stringify(label)}].orValue("") == ${JSON.stringify(value)}`,
          `the namespace must have the label ${label}: ${value}, by which its images are looked at`,
        ),
      ),
      of(
        ["Service"],
        "variables.spec.?externalIPs.orValue([]).size() == 0",
        "a Service must have no externalIPs: they would take what others are sent",
      ),
      of(
        ["HTTPRoute", "GRPCRoute"],
        gateway === undefined
          ? "false"
          : `variables.spec.?hostnames.orValue([]).size() > 0 && variables.spec.hostnames.all(host, host.startsWith(variables.environment + "-") && host.endsWith(${JSON.stringify(`.${gateway.domain}`)}))`,
        gateway === undefined
          ? "there are no routes: the stack has no cluster.gateway"
          : `a route must have hosts of its own alone, such as pr-7-SERVICE.${gateway.domain} of pull request 7`,
      ),
      of(
        ["Ingress"],
        ingress === undefined
          ? "false"
          : `!has(variables.spec.defaultBackend) && variables.spec.?rules.orValue([]).all(rule, rule.?host.orValue("").endsWith("." + variables.environment + ${JSON.stringify(`.${ingress.domain}`)}))`,
        ingress === undefined
          ? "there are no Ingresses: the stack has no cluster.ingress"
          : `an Ingress must have hosts of its own alone, such as SERVICE.pr-7.${ingress.domain} of pull request 7`,
      ),
    ],
  };
  const metadata = { name, labels: commonLabels(app) };
  return {
    policy: { metadata, spec },
    binding: { metadata, spec: { policyName: name, validationActions: ["Deny", "Audit"] } },
  };
}
