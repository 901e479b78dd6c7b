import type { Cluster } from "./cluster.ts";
import { Dependency } from "./dependency.ts";
import type { ManifestContext } from "./manifests.ts";
import { inStartOrder } from "./peers.ts";
import type { Secrets } from "./secrets.ts";
import type { ServiceImage } from "./service-image.ts";
import { Workload } from "./workload.ts";

export interface DirectDeliveryArgs {
  context: ManifestContext;
  cluster: Cluster;
  images: ReadonlyMap<string, ServiceImage>;
  secrets: Secrets;
}

/** Applies the dependencies and every released service to the cluster, each service after those that it calls. */
export function deliverDirectly({ context, cluster, images, secrets }: DirectDeliveryArgs): void {
  const onCluster = { providers: [cluster.provider] };
  const dependencies = new Map<string, Dependency>();
  for (const [name, settings] of Object.entries(context.dependencies)) {
    if (settings === "none" || "address" in settings) continue;
    const users = context.services.filter((service) => service.dependencies?.[name] !== undefined).map((service) => service.name);
    dependencies.set(name, new Dependency(name, { environment: context.environment, settings, users, secrets }, { ...onCluster, dependsOn: cluster }));
  }
  const workloads = new Map<string, Workload>();
  for (const service of inStartOrder(context.services)) {
    const image = images.get(service.name)?.reference;
    if (image === undefined) continue;
    const used = Object.keys(service.dependencies ?? {}).flatMap((name) => dependencies.get(name) ?? []);
    const peers = (service.peers ?? []).flatMap((name) => workloads.get(name) ?? []);
    workloads.set(service.name, new Workload(service.name, { service, context, image, secrets }, { ...onCluster, dependsOn: [cluster, ...used, ...peers] }));
  }
}
