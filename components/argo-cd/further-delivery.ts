import type * as pulumi from "@pulumi/pulumi";
import { clusterEnvironment, projectName } from "../../core/names.ts";
import { initialRecord, recordPath } from "../../git/release-record.ts";
import { waveDirectory } from "../../git/waves.ts";
import type { FurtherCluster } from "../cluster/further-clusters.ts";
import type { ServiceSecrets } from "../cluster/service-secret.ts";
import { environmentFiles } from "../deploy-repository/environment-files.ts";
import { GitManifests } from "../deploy-repository/git-manifests.ts";
import type { SigningArgs } from "../deploy-repository/signing-inputs.ts";
import type { Identity } from "../../git/committer.ts";
import type { ManifestContext } from "../manifests/manifest-context.ts";
import { ownKinds } from "../manifests/service-objects.ts";
import type { ServiceImage } from "../service-image.ts";
import { AppProject, type AppProjectArgs } from "./app-project.ts";
import type { ArgoCd } from "./argo-cd.ts";
import { clusterSecret } from "./cluster-secret.ts";
import { serviceApplications } from "./service-applications.ts";

export interface FurtherDeliveryArgs {
  context: ManifestContext;
  /** The environment's own, where Argo CD runs. */
  cluster: { readonly provider: AppProjectArgs["provider"] };
  /** @default none */
  furtherClusters?: readonly FurtherCluster[];
  images: ReadonlyMap<string, ServiceImage>;
  secrets: ServiceSecrets;
  handOver: boolean;
  gitops: { repository: string; branch: string; committer?: Identity | undefined; rollouts?: unknown };
  argoCd: ArgoCd;
  /** @default commits are not signed */
  signing?: SigningArgs | undefined;
  repository: AppProjectArgs["repository"];
  /** What the first wave runs, in Git. */
  manifests: GitManifests;
}

/**
 * Has Argo CD keep the environment running on its further clusters, too. All clusters of a wave follow one directory, so that a
 * wave is one commit, whatever becomes of its clusters. Each cluster has an AppProject of its own: what it may do there is bound
 * to it, and what is asked of one cluster is answered by its own Applications.
 */
export async function deliverToFurtherClusters(args: FurtherDeliveryArgs): Promise<void> {
  const { context, furtherClusters = [], gitops, argoCd, repository } = args;
  const { app, name: environment } = context.environment;
  const waves = new Map<number, GitManifests>([[1, args.manifests]]);
  for (const number of [...new Set(furtherClusters.map(({ wave }) => wave))].toSorted((one, other) => one - other)) {
    if (!waves.has(number)) waves.set(number, waveManifests(args, number, waves.get(number - 1) ?? args.manifests));
  }
  for (const { name, wave, server, token, ca, cluster } of furtherClusters) {
    const manifests = waves.get(wave) ?? args.manifests;
    const project = projectName(app, clusterEnvironment(environment, name));
    const own = { project, argoCdNamespace: argoCd.namespace, namespace: cluster.namespace, server };
    const appProject = new AppProject(
      project,
      {
        ...own,
        ownKinds: ownKinds(context.services, gitops.rollouts !== undefined),
        repository,
        provider: args.cluster.provider,
        access: cluster.access,
      },
      { dependsOn: argoCd },
    );
    const registration = clusterSecret(
      `${project}-cluster`,
      { ...own, token, ca, provider: args.cluster.provider },
      { parent: appProject, dependsOn: argoCd },
    );
    const secrets = args.secrets.further?.get(name);
    await serviceApplications({
      ...own,
      context,
      project: appProject,
      environment: clusterEnvironment(environment, name),
      logicalName: (service) => `${service}@${name}`,
      source: { ...gitops, directory: waveDirectory(environment, wave) },
      rollouts: gitops.rollouts !== undefined,
      handOver: args.handOver,
      provider: args.cluster.provider,
      dependsOn: (service) => [...cluster.home, registration, manifests, ...(secrets?.get(service) ?? [])],
    });
  }
}

/** The same manifests as those of the first wave. No pod runs of them until what is released has proved itself there. */
function waveManifests(args: FurtherDeliveryArgs, number: number, before: GitManifests): GitManifests {
  const { context, gitops, signing, secrets } = args;
  const { app, name: environment } = context.environment;
  const directory = waveDirectory(environment, number);
  const dependsOn: pulumi.Resource[] = [before, ...(secrets.generations === undefined ? [] : [secrets.generations])];
  return new GitManifests(
    `${app}.wave-${number}`,
    {
      repository: gitops.repository,
      branch: gitops.branch,
      committer: gitops.committer,
      signing,
      directory,
      files: environmentFiles({ ...args, directory }),
      records: Object.fromEntries(
        context.services
          .filter(({ name }) => args.images.has(name))
          .map(({ name }) => [recordPath(directory, name), initialRecord(name)]),
      ),
    },
    { dependsOn },
  );
}
