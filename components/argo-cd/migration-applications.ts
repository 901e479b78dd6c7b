import type * as pulumi from "@pulumi/pulumi";
import { applicationName, migrationName } from "../../core/names.ts";
import { migrationDirectory, migrationLabel } from "../../git/migration-record.ts";
import type { AppProject } from "./app-project.ts";
import { application } from "./application.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { GitManifests } from "../deploy-repository/git-manifests.ts";
import type { Identity } from "../../git/committer.ts";
import type { SigningArgs } from "../deploy-repository/signing-inputs.ts";
import { InitialMigrations, InitialReleases } from "../deploy-repository/initial-releases.ts";
import type { ManifestContext } from "../manifests/manifest-context.ts";
import { migrationDeadline } from "../service/migration-settings.ts";
import type { ServiceImage } from "../service-image.ts";

export interface MigrationDeliveryArgs {
  context: ManifestContext;
  images: ReadonlyMap<string, ServiceImage>;
  cluster: Cluster;
  /** Whether what runs on the cluster outlives its declaration. */
  handOver: boolean;
  gitops: { repository: string; branch: string; committer?: Identity | undefined };
  /** @default commits are not signed */
  signing?: SigningArgs | undefined;
  argoCdNamespace: string;
  project: AppProject;
  /** What is in the deploy repository. */
  manifests: GitManifests;
  /** Those of the services, by name: the pods of their migrations have the same settings. */
  applications: ReadonlyMap<string, pulumi.Resource>;
}

/**
 * Has Argo CD run the migrations, each service's by an Application of its own: one that has failed says nothing of the pods that
 * run. Where this program builds the images, the first ones are released once their migrations have succeeded.
 */
export function deliverMigrations(args: MigrationDeliveryArgs): void {
  const { context, images, cluster, handOver, gitops, signing, argoCdNamespace, project, manifests, applications } =
    args;
  const { app, name: environment } = context.environment;
  const { repository, branch, committer } = gitops;
  const migrated = context.services.flatMap(({ name, migrations: settings }) =>
    settings === undefined ? [] : [{ name, settings, image: images.get(name)?.reference }],
  );
  const built = migrated.flatMap(({ name, image }) => (image === undefined ? [] : [[name, image] as const]));
  const initial = { repository, branch, committer, signing, directory: environment, images: Object.fromEntries(built) };
  const started = built.length === 0 ? [] : [new InitialMigrations(app, initial, { dependsOn: manifests })];
  const succeeded = migrated.map(({ name, settings }) =>
    application(
      migrationName(name),
      {
        applicationName: applicationName(app, environment, migrationName(name)),
        project: project.project,
        argoCdNamespace,
        namespace: cluster.namespace,
        source: { repository, branch, path: migrationDirectory(environment, name) },
        labels: { [migrationLabel.key]: migrationLabel.value },
        extraSeconds: migrationDeadline(settings),
        handOver,
        provider: cluster.provider,
      },
      {
        parent: project,
        dependsOn: [manifests, ...project.parts, ...started, applications.get(name)].filter(
          (part) => part !== undefined,
        ),
      },
    ),
  );
  if (started.length > 0) new InitialReleases(app, initial, { dependsOn: [...started, ...succeeded] });
}
