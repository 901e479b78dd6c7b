import type { Cluster } from "./cluster.ts";
import { Dependency } from "./dependency.ts";
import { dependencyUsers } from "./manifests/dependency.ts";
import type { ManifestContext } from "./manifests.ts";
import { inStartOrder } from "./peers.ts";
import type { ServiceImage } from "./service-image.ts";
import type { ServiceSecrets } from "./service-secret.ts";
import { Workload } from "./workload.ts";

export interface DirectDeliveryArgs {
  context: ManifestContext;
  cluster: Cluster;
  images: ReadonlyMap<string, ServiceImage>;
  secrets: ServiceSecrets;
  /** Whether what runs on the cluster outlives its declaration. */
  handOver: boolean;
}

/** Applies the dependencies and every released service to the cluster, each service after those that it calls. */
export function deliverDirectly({ context, cluster, images, secrets, handOver }: DirectDeliveryArgs): void {
  const onCluster = { providers: [cluster.provider] };
  const dependencies = new Map<string, Dependency>();
  for (const [name, settings] of Object.entries(context.dependencies)) {
    if (settings === "none" || "address" in settings) continue;
    const users = dependencyUsers(name, context.services);
    dependencies.set(
      name,
      new Dependency(
        name,
        { environment: context.environment, settings, users, handOver },
        { ...onCluster, dependsOn: cluster },
      ),
    );
  }
  const workloads = new Map<string, Workload>();
  for (const service of inStartOrder(context.services)) {
    const image = images.get(service.name)?.reference;
    if (image === undefined) continue;
    const used = Object.keys(service.dependencies ?? {}).flatMap((name) => dependencies.get(name) ?? []);
    const peers = (service.peers ?? []).flatMap((name) => workloads.get(name) ?? []);
    workloads.set(
      service.name,
      new Workload(
        service.name,
        { service, context, image, secret: secrets.get(service.name), handOver },
        { ...onCluster, dependsOn: [cluster, ...used, ...peers] },
      ),
    );
  }
}
