import type * as pulumi from "@pulumi/pulumi";
import { autoscalerRemoval } from "./cluster/autoscaler-removal.ts";
import { Admission } from "./cluster/admission.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { declareInParts } from "./bulk-declaration.ts";
import { Dependency } from "./cluster/dependency.ts";
import { routeHooks } from "./cluster/gateway-hooks.ts";
import { declaredImages } from "./manifests/admission.ts";
import { dependencyUsers, deployedDependencies } from "./manifests/dependency.ts";
import type { ManifestContext } from "./manifests/manifest-context.ts";
import { inStartOrder } from "./service/peers.ts";
import type { ServiceImage } from "./service-image.ts";
import { generationOf, type ServiceSecrets } from "./cluster/service-secret.ts";
import { retriedRuns } from "./cluster/run-retries.ts";
import { applyWorkload, Workloads } from "./cluster/workload.ts";

export interface DirectDeliveryArgs {
  context: ManifestContext;
  cluster: Cluster;
  images: ReadonlyMap<string, ServiceImage>;
  secrets: ServiceSecrets;
  /** Whether what runs on the cluster outlives its declaration. */
  handOver: boolean;
}

/** Applies the dependencies and every released service to the cluster, each service after those that it calls, as far as these do not call it in turn. */
export async function deliverDirectly(args: DirectDeliveryArgs): Promise<void> {
  const { context, cluster, images, secrets, handOver } = args;
  const { provider, home } = cluster;
  const admission = declareAdmission(args);
  const otherPods = admission === undefined ? [] : [admission.bindOthers([])];
  const dependencies = new Map<string, Dependency>();
  for (const [name, settings] of Object.entries(deployedDependencies(context.dependencies))) {
    const users = dependencyUsers(name, context.services);
    dependencies.set(
      name,
      new Dependency(
        name,
        { environment: context.environment, settings, users, secretsGeneration: generationOf(secrets, name), handOver },
        { providers: [provider], dependsOn: [...home, ...otherPods, ...(secrets.objects.get(name) ?? [])] },
      ),
    );
  }
  const parent = new Workloads(context.environment.app, { providers: [provider] });
  const removal = autoscalerRemoval(cluster.access);
  const { gateway } = context;
  const { access, namespace } = cluster;
  const hooks = gateway === undefined ? undefined : routeHooks({ access, gateway, namespace });
  const retried = await retriedRuns(access, namespace, context.services);
  const reachable = new Map<string, pulumi.Resource>();
  await declareInParts(inStartOrder(context.services), ({ service, after }) => {
    const { name } = service;
    const { reference: image, built } = images.get(name) ?? {};
    // Nothing of it may start, whoever makes it.
    if (image === undefined) return admission?.bindService(service, otherPods).at(-1);
    const startAfter = [
      ...Object.keys(service.dependencies ?? {}).map((used) => dependencies.get(used)),
      ...after.map((peer) => reachable.get(peer)),
    ].filter(isDeclared);
    const shared = {
      context,
      handOver,
      home: [...home, built, ...otherPods].filter(isDeclared),
      admission,
      autoscalerRemoval: removal,
      retried,
      routeHooks: hooks,
    };
    const workload = { ...shared, service, image, secretsGeneration: generationOf(secrets, name), startAfter };
    const last = applyWorkload(name, workload, { parent, provider });
    reachable.set(name, last);
    return last;
  });
}

function declareAdmission({ context, cluster, images }: DirectDeliveryArgs): Admission | undefined {
  const { admission: settings, environment } = context;
  if (settings === undefined) return undefined;
  // Nothing puts digests into what services bring along: all of it is as it is declared.
  const declared = declaredImages(context, () => undefined);
  const released = Object.fromEntries(
    [...images].flatMap(([name, { reference }]) => (reference === undefined ? [] : [[name, reference] as const])),
  );
  return new Admission(environment.app, { context, settings, declared, released, provider: cluster.provider });
}

/** What has no image has nothing to wait for. */
function isDeclared<T>(item: T | undefined): item is T {
  return item !== undefined;
}
