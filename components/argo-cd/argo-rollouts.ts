import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { writeYaml } from "../../core/yaml.ts";
import { kindOf, listAt, mapAt, nameOf, stringAt, withValue, type KubernetesObject } from "../../kubernetes/object.ts";
import { gatewayPluginName } from "../manifests/rollout.ts";
import { gatewayApi } from "../manifests/routes.ts";
import { inNamespace } from "./argo-cd-objects.ts";
import { installedObjects } from "./installed-objects.ts";
import type { Publication, ReleaseSettings } from "./release.ts";

/** How Argo Rollouts is set up, as the stack file says. */
export interface ArgoRolloutsSettings extends ReleaseSettings {
  readonly namespace: string;
  /** The plugin by which it writes the weights of routes. @default none */
  readonly gatewayPlugin?: { readonly location: string; readonly sha256: string } | undefined;
}

/** Source: https://argo-rollouts.readthedocs.io/en/stable/installation/ */
export const argoRolloutsPublication: Publication = {
  product: "Argo Rollouts",
  file: "install.yaml",
  url: (version) => `https://raw.githubusercontent.com/argoproj/argo-rollouts/v${version}/manifests/install.yaml`,
  module: { path: "github.com/argoproj/argo-rollouts", file: "manifests/install.yaml" },
  tested: { version: "1.10.2", sha256: "be25242c55bab7650e0b845da11dbce811f7427deae367e224435e0d766ebe5a" },
};

/** What a release must have so that it can be set up. */
export const requiredOfArgoRollouts: readonly string[] = [
  "CustomResourceDefinition rollouts.argoproj.io",
  "CustomResourceDefinition analysistemplates.argoproj.io",
  "Deployment argo-rollouts",
];

/**
 * The objects of a release, in its namespace. At the release's own tag, the file runs the image `latest`, which is another one with
 * every release: only what GitHub offers for download has the version. Seen with 1.10.2.
 */
export function argoRolloutsObjects(
  release: readonly KubernetesObject[],
  { namespace, version = argoRolloutsPublication.tested.version, manifests, gatewayPlugin }: ArgoRolloutsSettings,
): KubernetesObject[] {
  const path = ["spec", "template", "spec"];
  const pinned = release.map((object) => {
    // Which release a copy is, only whoever made it knows.
    if (manifests !== undefined || kindOf(object).kind !== "Deployment") return object;
    const containers = listAt(object, ...path, "containers").map((container) => ({
      ...container,
      image: (stringAt(container, "image") ?? "").replace(/:latest$/, `:v${version}`),
    }));
    return withValue(object, path, { ...mapAt(object, ...path), containers });
  });
  return inNamespace(gatewayPlugin === undefined ? pinned : withGatewayPlugin(pinned, gatewayPlugin), namespace);
}

const configName = "argo-rollouts-config";
const accountName = "argo-rollouts";
const rightsName = "argo-rollouts-gateway-routes";

/**
 * The controller reads of its plugins when it starts, and the rights that they need are not its own.
 * Source: https://rollouts-plugin-trafficrouter-gatewayapi.readthedocs.io/en/latest/installation/
 */
function withGatewayPlugin(
  release: readonly KubernetesObject[],
  plugin: NonNullable<ArgoRolloutsSettings["gatewayPlugin"]>,
): KubernetesObject[] {
  const trafficRouterPlugins = writeYaml([{ name: gatewayPluginName, ...plugin }]);
  const config = release.find((object) => kindOf(object).kind === "ConfigMap" && nameOf(object) === configName);
  const started = release.flatMap((object) => {
    if (object === config) return [];
    const path = ["spec", "template", "metadata", "annotations"];
    if (kindOf(object).kind !== "Deployment") return [object];
    return [withValue(object, path, { ...mapAt(object, ...path), "delivery/gateway-plugin": plugin.sha256 })];
  });
  const api = "rbac.authorization.k8s.io/v1";
  const routes = { apiGroups: [gatewayApi.group], resources: ["httproutes", "grpcroutes"] };
  return [
    ...started,
    withValue(config ?? { apiVersion: "v1", kind: "ConfigMap", metadata: { name: configName } }, ["data"], {
      ...mapAt(config ?? {}, "data"),
      trafficRouterPlugins,
    }),
    {
      apiVersion: api,
      kind: "ClusterRole",
      metadata: { name: rightsName },
      rules: [{ ...routes, verbs: ["get", "list", "update", "patch"] }],
    },
    {
      apiVersion: api,
      kind: "ClusterRoleBinding",
      metadata: { name: rightsName },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: rightsName },
      subjects: [{ kind: "ServiceAccount", name: accountName, namespace: "" }],
    },
  ];
}

export interface ArgoRolloutsArgs {
  readonly namespace: string;
  readonly objects: readonly KubernetesObject[];
  readonly provider: Provider;
}

/** The installation of Argo Rollouts on a cluster, from the manifests of its release. */
export class ArgoRollouts extends pulumi.ComponentResource {
  constructor(
    name: string,
    { namespace, objects, provider }: ArgoRolloutsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("delivery:gitops:ArgoRollouts", name, { namespace }, opts);
    const home = new Namespace(name, { metadata: { name: namespace } }, { parent: this, provider });
    installedObjects({ parent: this, name, objects, after: [home], provider });
    this.registerOutputs({ namespace });
  }
}
