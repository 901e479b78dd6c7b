import type { AdmissionSettings } from "./allowed-images.ts";
import type { DependencySettings } from "../service/dependency-settings.ts";
import type { IngressSettings } from "./ingress.ts";
import type { Environment } from "./metadata.ts";
import type { GatewaySettings } from "./routes.ts";
import type { Service } from "../service/service.ts";

/** The way into the cluster, as the stack file declares it: at most one of them. */
export interface ClusterEntry {
  readonly ingress?: IngressSettings | undefined;
  readonly gateway?: GatewaySettings | undefined;
}

/** All that the manifests of an environment are made of, beside the service itself. */
export interface ManifestContext extends ClusterEntry {
  readonly environment: Environment;
  readonly services: readonly Service[];
  readonly dependencies: Readonly<Record<string, DependencySettings>>;
  /** @default the cluster takes pods of all images */
  readonly admission?: AdmissionSettings | undefined;
}

/** @param config the stack's configuration */
export function manifestContext(
  config: {
    app: { name: string };
    environment: string;
    cluster: { namespace: string } & ClusterEntry & Pick<ManifestContext, "admission">;
    dependencies: ManifestContext["dependencies"];
    images: { login: "password" | "own" };
  },
  services: readonly Service[],
): ManifestContext {
  const { app, environment, cluster, dependencies, images } = config;
  return {
    environment: {
      app: app.name,
      name: environment,
      namespace: cluster.namespace,
      ...(images.login === "own" ? { nodesPull: true } : {}),
    },
    services,
    dependencies,
    ingress: cluster.ingress,
    gateway: cluster.gateway,
    ...(cluster.admission === undefined ? {} : { admission: cluster.admission }),
  };
}
