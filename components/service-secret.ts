import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import type * as pulumi from "@pulumi/pulumi";
import { secretName } from "../core/names.ts";
import type { Cluster } from "./cluster.ts";
import { usedSecrets, type ManifestContext } from "./manifests.ts";
import { metadata } from "./manifests/metadata.ts";
import { SecretGenerations } from "./secret-generations.ts";
import { secretValues, type Secrets } from "./secrets.ts";

/** The Secrets on the cluster. */
export interface ServiceSecrets {
  /** By the service or dependency whose environment variables they hold. */
  readonly objects: ReadonlyMap<string, Secret>;
  /** How often each has changed, known once all are on the cluster. @default there are none */
  readonly generations?: SecretGenerations;
}

/** Puts the secrets of services and of deployed dependencies on the cluster: never through Git, whatever the delivery. */
export function putServiceSecrets(context: ManifestContext, cluster: Cluster, secrets: Secrets): ServiceSecrets {
  const values = Object.fromEntries(
    [...usedSecrets(context)].map(([name, variables]) => [name, secretValues(secrets, variables)]),
  );
  const objects = new Map(
    Object.entries(values).map(([name, stringData]) => {
      const labelled = { ...metadata(context.environment, name), name: secretName(name) };
      const own = { parent: cluster, provider: cluster.provider, dependsOn: cluster.namespaceResource };
      return [name, new Secret(name, { metadata: labelled, stringData }, own)];
    }),
  );
  if (objects.size === 0) return { objects };
  // Pods that start because of a new generation find the new values.
  const after = { parent: cluster, dependsOn: [...objects.values()] };
  return { objects, generations: new SecretGenerations(context.environment.app, { values }, after) };
}

/** What pods bear beside the reference to a Secret: nothing of its first generation, with which nothing has changed yet. */
export function generationText(generation: number | undefined): string | undefined {
  return generation === undefined || generation < 2 ? undefined : String(generation);
}

/** The same for manifests that this program applies; `undefined`: there is no Secret. */
export function generationOf(
  { objects, generations }: ServiceSecrets,
  name: string,
): pulumi.Output<string> | undefined {
  if (generations === undefined || !objects.has(name)) return undefined;
  // The SDK leaves out what resolves to nothing, and its types do not say so.
  return generations.generations.apply((all) => generationText(all[name])) as pulumi.Output<string>;
}
