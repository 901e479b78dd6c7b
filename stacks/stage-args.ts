import type { CiProjectArgs } from "../components/ci-project.ts";
import type { ClusterArgs } from "../components/cluster.ts";
import type { DiscoveryArgs } from "../components/find-services.ts";
import type { GitOpsDeliveryArgs } from "../components/gitops-delivery.ts";
import { previewNamespaces } from "../core/names.ts";
import type { InstallationsArgs } from "../components/installations.ts";
import type { Config } from "./config.ts";

/** What the discovery of services takes from the configuration. */
export function discoveryArgs(config: Config): DiscoveryArgs {
  return {
    ...config,
    overrides: config.services,
    dependencies: new Set(Object.keys(config.dependencies)),
    secrets: new Set(config.secrets.keys()),
    programBuilds: config.images.source === "build",
  };
}

/** What the CI project takes from the configuration. */
export function ciProjectArgs(config: Config): CiProjectArgs {
  return {
    ...config.ci,
    app: config.app.name,
    environment: config.environment,
    project: config.ci.project ?? config.app.name,
    owned: config.owns.ciProject,
    branch: config.github?.branch,
    token: config.circleciToken,
    registry: config.registry,
    variables: config.ci.environment,
    secrets: config.secrets,
  };
}

/** What the cluster takes from the configuration. */
export function clusterArgs(config: Config): ClusterArgs {
  return {
    ...config.cluster,
    app: config.app.name,
    environment: config.environment,
    kubeconfig: config.kubeconfig,
    registry: config.registry,
    pullSecretCopies: config.gitops?.previews && previewNamespaces(config.app.name),
  };
}

/** What the installations on the cluster take from the configuration. */
export function installationsArgs(config: Config): InstallationsArgs {
  return { ...config, ownsArgoCd: config.owns.argoCd };
}

/** What both ways of delivery take from the configuration. */
export function deliveryArgs(
  config: Config,
): Omit<GitOpsDeliveryArgs, "context" | "cluster" | "images" | "secrets" | "installations"> {
  return { ...config, stackSecrets: config.secrets, tag: config.images.tag };
}
