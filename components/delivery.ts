import { deliverDirectly } from "./direct-delivery.ts";
import { deliverByGit, type GitOpsDeliveryArgs } from "./gitops-delivery.ts";
import type { ManifestContext } from "./manifests/manifest-context.ts";
import { serviceAddress } from "./manifests/manifests.ts";
import type { ServiceImage } from "./service-image.ts";

const deliveries = { gitops: deliverByGit, direct: deliverDirectly } as const;

/** Brings the services to the cluster. @param delivery by Git and Argo CD, or by the engine itself */
export async function deliver(delivery: keyof typeof deliveries, args: GitOpsDeliveryArgs): Promise<void> {
  await deliveries[delivery](args);
}

/** What people want to know of a service that is delivered. */
export interface DeliveredService {
  /** By digest; none as long as CI has released none. */
  readonly image: ServiceImage["reference"];
  /** A URL; none where nobody calls it. */
  readonly address: string | undefined;
}

/** The services of an environment, by name. */
export function deliveredServices(
  context: ManifestContext,
  images: ReadonlyMap<string, ServiceImage>,
): Readonly<Record<string, DeliveredService>> {
  return Object.fromEntries(
    context.services.map((service) => [
      service.name,
      { image: images.get(service.name)?.reference, address: serviceAddress(context, service) },
    ]),
  );
}
