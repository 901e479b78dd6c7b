import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { secretName } from "../core/names.ts";
import type { Cluster } from "./cluster.ts";
import { usedSecrets, type ManifestContext } from "./manifests.ts";
import { metadata } from "./manifests/metadata.ts";
import { secretValues, type Secrets } from "./secrets.ts";

/** The Secrets on the cluster, by the service or dependency whose environment variables they hold. */
export type ServiceSecrets = ReadonlyMap<string, Secret>;

/** Puts the secrets of services and of deployed dependencies on the cluster: never through Git, whatever the delivery. */
export function putServiceSecrets(context: ManifestContext, cluster: Cluster, secrets: Secrets): ServiceSecrets {
  return new Map(
    [...usedSecrets(context)].map(([name, variables]) => {
      const labelled = { ...metadata(context.environment, name), name: secretName(name) };
      const own = { parent: cluster, provider: cluster.provider, dependsOn: cluster.namespaceResource };
      return [name, new Secret(name, { metadata: labelled, stringData: secretValues(secrets, variables) }, own)];
    }),
  );
}
