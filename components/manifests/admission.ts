import type { types } from "@pulumi/kubernetes";
import type { Input } from "@pulumi/pulumi";
import {
  allowedImagesName,
  imagesOfLabel,
  migrationName,
  namespaceName,
  previewImagesName,
  previewNamespaceLabel,
} from "../../core/names.ts";
import { isReplaced } from "../../git/manifest-images.ts";
import { isMap } from "../../core/yaml.ts";
import { deployedDependencies } from "./dependency.ts";
import type { AdmissionSettings } from "./allowed-images.ts";
import type { ManifestContext } from "./manifest-context.ts";
import { commonLabels } from "./metadata.ts";
import { completeService } from "./service-objects.ts";
import type { Service } from "../service/service.ts";

type PolicySpec = types.input.admissionregistration.v1.ValidatingAdmissionPolicySpec;
type BindingSpec = types.input.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec;
type LabelSelectorRequirement = types.input.meta.v1.LabelSelectorRequirement;

/** The policy of an environment: cluster-scoped, so its name has the namespace, of which there is one on a cluster. */
export function policyName(namespace: string): string {
  return `${namespace}.images`;
}

/** A binding of the policy. Names of services have no dot, so neither do two services share a name, nor two environments. */
export function bindingName(namespace: string, part: string): string {
  return `${namespace}.${part}`;
}

/** The images of a pod in CEL. The kubelet pulls those of volumes, too. */
function imagesIn(object: "object" | "oldObject"): string {
  const containers = (field: string): string => `${object}.spec.?${field}.orValue([]).map(c, c.?image.orValue(""))`;
  return [
    containers("containers"),
    containers("initContainers"),
    containers("ephemeralContainers"),
    `${object}.spec.?volumes.orValue([]).filter(v, has(v.image)).map(v, v.image.?reference.orValue(""))`,
  ].join(" + ");
}

interface PolicyArgs {
  readonly action: AdmissionSettings["action"];
  /** Images that the stack names, as a list of CEL; also by tag. */
  readonly declared: Input<string>;
  readonly namespaceSelector: types.input.meta.v1.LabelSelector;
  /** Whether ConfigMaps allow digests alone: that of a service has a name without one before its first release. */
  readonly byDigest: boolean;
}

/**
 * Refuses pods with an image that is neither declared nor in the ConfigMap that the binding names. An update of a pod may keep
 * the images that the pod has: the finalizers of a pod that runs must not depend on what has been released since.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
function policySpec({ action, declared, namespaceSelector, byDigest }: PolicyArgs): PolicySpec {
  return {
    // What cannot be decided is refused. With `audit` it passes: an error denies, whatever the binding says is to be done.
    failurePolicy: action === "enforce" ? "Fail" : "Ignore",
    paramKind: { apiVersion: "v1", kind: "ConfigMap" },
    matchConstraints: {
      namespaceSelector,
      resourceRules: [
        {
          apiGroups: [""],
          apiVersions: ["v1"],
          operations: ["CREATE", "UPDATE"],
          resources: ["pods", "pods/ephemeralcontainers"],
          scope: "Namespaced",
        },
      ],
    },
    variables: [
      { name: "declared", expression: declared },
      {
        name: "released",
        expression: `params == null || !has(params.data) ? [] : params.data.map(key, params.data[key])${byDigest ? `.filter(image, image.contains("@sha256:"))` : ""}`,
      },
      { name: "present", expression: `oldObject == null ? [] : ${imagesIn("oldObject")}` },
      {
        name: "refused",
        expression: `(${imagesIn("object")}).filter(image, !(image in variables.declared) && !(image in variables.released) && !(image in variables.present))`,
      },
    ],
    validations: [
      {
        expression: "variables.refused.size() == 0",
        reason: "Forbidden",
        messageExpression: `"no release record of " + request.namespace + " names " + variables.refused.join(", ") + "; release it, or name it in cluster.admission.images of the stack file"`,
      },
    ],
  };
}

/** A list of images as CEL has it. */
export function imageList(images: readonly string[]): string {
  return JSON.stringify([...new Set(images)]);
}

export function environmentPolicy(
  { environment }: ManifestContext,
  { action }: AdmissionSettings,
  declared: Input<string>,
): types.input.admissionregistration.v1.ValidatingAdmissionPolicy {
  const { app, namespace } = environment;
  // The API server sets this label itself, so nobody takes a namespace out of the policy.
  const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": namespace } };
  return {
    metadata: { name: policyName(namespace), labels: commonLabels(app) },
    spec: policySpec({ action, declared, namespaceSelector, byDigest: true }),
  };
}

/**
 * The policy of all preview environments of an app, whose namespaces come and go. A condition on their names would not do: the
 * API server looks for the ConfigMap first, and refuses the pods of every namespace that has none.
 */
export function previewsPolicy(
  app: string,
  { action, images }: AdmissionSettings,
): types.input.admissionregistration.v1.ValidatingAdmissionPolicy {
  return {
    metadata: { name: policyName(namespaceName(app, "previews")), labels: commonLabels(app) },
    spec: policySpec({
      action,
      declared: imageList(images),
      namespaceSelector: { matchLabels: previewNamespaceLabel(app) },
      byDigest: false,
    }),
  };
}

/** Which pods are held to which ConfigMap. */
export interface AdmissionBinding {
  /** Unique in an environment. */
  readonly part: string;
  readonly spec: BindingSpec;
}

interface BindingArgs {
  readonly policy: string;
  readonly action: AdmissionSettings["action"];
  /** The ConfigMap. @default the policy's own list is all */
  readonly param?: { readonly name: string; readonly namespace?: string };
  readonly pods: readonly LabelSelectorRequirement[];
}

function bindingSpec({ policy, action, param, pods }: BindingArgs): BindingSpec {
  return {
    policyName: policy,
    ...(param === undefined ? {} : { paramRef: { ...param, parameterNotFoundAction: "Deny" } }),
    validationActions: action === "enforce" ? ["Deny", "Audit"] : ["Warn", "Audit"],
    ...(pods.length === 0 ? {} : { matchResources: { objectSelector: { matchExpressions: [...pods] } } }),
  };
}

const nameLabel = "app.kubernetes.io/name";

/**
 * The bindings of one service: its pods are held to the images of its own ConfigMap, which Argo CD brings with its pods. One for
 * all services would have to come before all of them.
 */
export function serviceBindings(
  { environment }: ManifestContext,
  service: Service,
  { action }: AdmissionSettings,
): AdmissionBinding[] {
  const { namespace } = environment;
  const policy = policyName(namespace);
  const { name, migrations, ownObjects } = service;
  const bind = (part: string, label: string, owner: string, value = owner): AdmissionBinding => ({
    part,
    spec: bindingSpec({
      policy,
      action,
      param: { name: allowedImagesName(owner), namespace },
      pods: [{ key: label, operator: "In", values: [value] }],
    }),
  });
  return [
    bind(name, nameLabel, name),
    ...(migrations === undefined ? [] : [bind(migrationName(name), nameLabel, migrationName(name))]),
    ...(ownObjects === undefined ? [] : [bind(`${name}.own`, imagesOfLabel, name)]),
  ];
}

/** The binding of all pods that belong to no service: they may have what is declared, and nothing else. */
export function otherPodsBinding(
  { environment, services }: ManifestContext,
  { action }: AdmissionSettings,
): AdmissionBinding {
  const names = services.flatMap(({ name, migrations }) => [
    name,
    ...(migrations === undefined ? [] : [migrationName(name)]),
  ]);
  const owners = services.flatMap(({ name, ownObjects }) => (ownObjects === undefined ? [] : [name]));
  return {
    part: "other.pods",
    spec: bindingSpec({
      policy: policyName(environment.namespace),
      action,
      pods: [
        { key: nameLabel, values: names },
        { key: imagesOfLabel, values: owners },
      ].flatMap(({ key, values }) => (values.length === 0 ? [] : [{ key, operator: "NotIn", values }])),
    }),
  };
}

/** All pods of a preview environment are held to one ConfigMap in its namespace. */
export function previewsBinding(app: string, { action }: AdmissionSettings): BindingSpec {
  const policy = policyName(namespaceName(app, "previews"));
  return bindingSpec({ policy, action, param: { name: previewImagesName }, pods: [] });
}

/**
 * The images that the stack itself names: of databases and caches, of containers that patches add, of what services bring along.
 * @param repository of a service's images, which release records turn into digests; `undefined`: nothing does
 */
export function declaredImages(
  context: ManifestContext,
  repository: (service: string) => string | undefined,
): string[] {
  const dependencies = Object.values(deployedDependencies(context.dependencies)).map(({ image }) => image);
  const added = context.services
    .filter(({ allPatches, ownObjects }) => allPatches !== undefined || ownObjects !== undefined)
    .flatMap((service) => {
      const own = repository(service.name);
      const { parts } = completeService(context, service, { image: released }, released);
      return parts
        .flatMap(({ after }) => imagesOf(after))
        .filter((image) => image !== released && (own === undefined || !isReplaced(image, own)));
    });
  return [...new Set([...dependencies, ...added])].toSorted();
}

/** Stands for the image of a service. */
const released = "released";

/** The images in an object of any kind. */
function imagesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(imagesOf);
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (!Array.isArray(inner)) return imagesOf(inner);
    const items = inner.filter(isMap);
    const own = ["containers", "initContainers"].includes(key)
      ? items.map(({ image }) => image)
      : key === "volumes"
        ? items.map(({ image }) => (isMap(image) ? image["reference"] : undefined))
        : [];
    return [...own.filter((image) => typeof image === "string"), ...inner.flatMap(imagesOf)];
  });
}
