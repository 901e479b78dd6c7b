import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import type * as pulumi from "@pulumi/pulumi";
import { secretName } from "../../core/names.ts";
import type { Cluster } from "./cluster.ts";
import type { FurtherCluster } from "./further-clusters.ts";
import { usedSecrets } from "../manifests/manifests.ts";
import { type ManifestContext } from "../manifests/manifest-context.ts";
import { metadata } from "../manifests/metadata.ts";
import { SecretGenerations } from "./secret-generations.ts";
import { secretValues, type Secrets } from "../secrets.ts";

/** The Secrets on the cluster. */
export interface ServiceSecrets {
  /** By the service or dependency whose environment variables and files they hold. */
  readonly objects: ReadonlyMap<string, readonly Secret[]>;
  /** The same on further clusters, by their names. @default there are none */
  readonly further?: ReadonlyMap<string, ReadonlyMap<string, readonly Secret[]>>;
  /** How often each has changed, known once all are on the cluster. @default there are none */
  readonly generations?: SecretGenerations;
}

/** Puts the secrets of services and of deployed dependencies on the cluster: never through Git, whatever the delivery. */
export function putServiceSecrets(
  context: ManifestContext,
  cluster: Cluster,
  secrets: Secrets,
  furtherClusters: readonly Pick<FurtherCluster, "name" | "cluster">[] = [],
): ServiceSecrets {
  const used = usedSecrets(context).map((secret) => ({ ...secret, stringData: secretValues(secrets, secret.values) }));
  const putOn = (on: Cluster, further?: string): Map<string, readonly Secret[]> => {
    const put = used.map(({ owner, name, stringData }) => {
      const labelled = { ...metadata(context.environment, owner), name };
      const own = { parent: on, provider: on.provider, dependsOn: on.namespaceResource };
      const logicalName = name === secretName(owner) ? owner : name;
      const unique = further === undefined ? logicalName : `${logicalName}@${further}`;
      return { owner, object: new Secret(unique, { metadata: labelled, stringData }, own) };
    });
    return new Map(
      [...Map.groupBy(put, ({ owner }) => owner)].map(([owner, group]) => [owner, group.map(({ object }) => object)]),
    );
  };
  const objects = putOn(cluster);
  const further = new Map(furtherClusters.map((one) => [one.name, putOn(one.cluster, one.name)] as const));
  if (objects.size === 0) return { objects, further };
  const values = Object.fromEntries(
    [...Map.groupBy(used, ({ owner }) => owner)].map(([owner, group]) => [
      owner,
      // No key of a file is the name of a variable.
      Object.assign({}, ...group.map(({ stringData }) => stringData)) as (typeof used)[number]["stringData"],
    ]),
  );
  // Pods that start because of a new generation find the new values.
  const after = {
    parent: cluster,
    dependsOn: [objects, ...further.values()].flatMap((all) => [...all.values()].flat()),
  };
  return { objects, further, generations: new SecretGenerations(context.environment.app, { values }, after) };
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
