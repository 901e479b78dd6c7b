import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import type { Cluster } from "./cluster.ts";
import { metadata } from "./manifests/metadata.ts";
import { serviceSecrets, type ManifestContext } from "./manifests.ts";
import { secretName } from "./names.ts";
import { secretValues, type Secrets } from "./secrets.ts";

/** The Secrets on the cluster, by the service or dependency whose environment variables they hold. */
export type ServiceSecrets = ReadonlyMap<string, Secret>;

/** Puts the secrets of services and of deployed dependencies on the cluster: never through Git, whatever the delivery. */
export function putServiceSecrets(context: ManifestContext, cluster: Cluster, secrets: Secrets): ServiceSecrets {
  const ofServices = context.services.map((service) => [service.name, serviceSecrets(context, service)] as const);
  const ofDependencies = Object.entries(context.dependencies).map(
    ([name, settings]) => [name, settings !== "none" && "image" in settings ? settings.secrets : {}] as const,
  );
  const used = [...ofServices, ...ofDependencies].filter(([, variables]) => Object.keys(variables).length > 0);
  return new Map(
    used.map(([name, variables]) => {
      const labelled = { ...metadata(context.environment, name), name: secretName(name) };
      const own = { parent: cluster, provider: cluster.provider, dependsOn: cluster.namespaceResource };
      return [name, new Secret(name, { metadata: labelled, stringData: secretValues(secrets, variables) }, own)];
    }),
  );
}
