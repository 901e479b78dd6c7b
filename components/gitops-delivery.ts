import type * as pulumi from "@pulumi/pulumi";
import type { Identity } from "../git/committer.ts";
import { applicationName, previewsProjectName, projectName } from "../core/names.ts";
import { argoCdKeyIds, type SigningKeys } from "../git/signing-keys.ts";
import type { SigningArgs } from "./deploy-repository/signing-inputs.ts";
import { AppProject } from "./argo-cd/app-project.ts";
import type { ArgoCdSettings } from "./argo-cd/argo-cd-objects.ts";
import { ArgoRollouts, type ArgoRolloutsSettings } from "./argo-cd/argo-rollouts.ts";
import { ArgoCd } from "./argo-cd/argo-cd.ts";
import { deliverToFurtherClusters } from "./argo-cd/further-delivery.ts";
import { serviceApplications } from "./argo-cd/service-applications.ts";
import { Admission } from "./cluster/admission.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { FurtherCluster } from "./cluster/further-clusters.ts";
import { gatewayIsThere } from "./cluster/gateway-hooks.ts";
import { environmentFiles } from "./deploy-repository/environment-files.ts";
import { initialRecords } from "./deploy-repository/initial-records.ts";
import { GitManifests } from "./deploy-repository/git-manifests.ts";
import { ImageUpdater } from "./argo-cd/image-updater.ts";
import type { Installations } from "./argo-cd/installations.ts";
import { declaredImages } from "./manifests/admission.ts";
import { type ManifestContext } from "./manifests/manifest-context.ts";
import { previewBounds } from "./manifests/preview-bounds.ts";
import { deliverMigrations } from "./argo-cd/migration-applications.ts";
import { PreviewEnvironments, type PreviewSettings } from "./argo-cd/preview-environments.ts";
import type { ReleaseSettings } from "./argo-cd/release.ts";
import type { Registry, Secrets } from "./secrets.ts";
import type { ServiceImage } from "./service-image.ts";
import { ownKinds } from "./manifests/service-objects.ts";
import type { ServiceSecrets } from "./cluster/service-secret.ts";

/** The deploy repository and the Argo CD that watches it, as the stack file says. */
export interface GitOpsSettings {
  repository: string;
  branch: string;
  username: string;
  /** What moves a release record: a commit of CI, or a watcher of the registry. */
  /** Who makes the commits. @default `delivery` */
  committer?: Identity | undefined;
  /** @default commits are not signed */
  signing?: SigningSettings | undefined;
  release: "commit" | "registry-watch";
  /** @default no environments for pull requests */
  previews?: PreviewSettings | undefined;
  imageUpdater: ReleaseSettings;
  /** @default no service is rolled out in steps */
  rollouts?: "existing" | ArgoRolloutsSettings | undefined;
  argoCd: ArgoCdSettings & { commitStatus?: { appId: string; installationId: string; privateKey: string } | undefined };
}

/** Whose signed commits count. */
export interface SigningSettings extends SigningKeys {
  /** The name of the secret with the private key. */
  secret: string;
}

export interface GitOpsDeliveryArgs {
  context: ManifestContext;
  cluster: Cluster;
  /** The environment's clusters beside that one. @default none */
  furtherClusters?: readonly FurtherCluster[];
  images: ReadonlyMap<string, ServiceImage>;
  secrets: ServiceSecrets;
  /** Whether what runs on the cluster outlives its declaration. */
  handOver: boolean;
  /** The configuration has checked that it is there. */
  gitops?: GitOpsSettings | undefined;
  /** What this stack installs on the cluster. */
  installations: Installations;
  /** What the watcher of the registry reads it with. @default none */
  registry?: Registry | undefined;
  /** The tag that CI moves to every new build. */
  tag: string;
  /** With which Argo CD reads the deploy repository. @default it is public */
  gitToken?: pulumi.Output<string> | undefined;
  /** The monorepo on GitHub; the configuration has checked that it is there if previews need it. */
  github?: { repository: string; api: string } | undefined;
  /** With which Argo CD lists its pull requests. @default it is public */
  githubToken?: pulumi.Output<string> | undefined;
  /** The stack's secrets, by name. */
  stackSecrets: Secrets;
}

/** Puts the manifests into the deploy repository by one commit, and has Argo CD keep them running on the cluster. */
export async function deliverByGit(args: GitOpsDeliveryArgs): Promise<void> {
  const { context, cluster, gitops } = args;
  if (gitops === undefined) throw new Error("delivery gitops without a deploy repository");
  const { app, name: environment } = context.environment;
  const argoCd = new ArgoCd("argocd", {
    namespace: gitops.argoCd.namespace,
    objects: args.installations.argoCd,
    commitStatusKey: args.stackSecrets.get(gitops.argoCd.commitStatus?.privateKey ?? ""),
    provider: cluster.provider,
  });
  const rollouts = declareRollouts(args);
  const signing = signingOf(args);
  const signedBy = signing && argoCdKeyIds(signing);
  const repository = { url: gitops.repository, username: gitops.username, token: args.gitToken, signedBy };
  const project = new AppProject(
    projectName(app, environment),
    {
      project: projectName(app, environment),
      argoCdNamespace: argoCd.namespace,
      namespace: cluster.namespace,
      ownKinds: ownKinds(context.services, gitops.rollouts !== undefined),
      repository,
      provider: cluster.provider,
      access: cluster.access,
    },
    { dependsOn: [argoCd, ...rollouts] },
  );
  if (gitops.previews !== undefined && args.github !== undefined) {
    new PreviewEnvironments(
      previewsProjectName(app),
      {
        app,
        settings: gitops.previews,
        github: args.github,
        githubToken: args.githubToken,
        argoCdNamespace: argoCd.namespace,
        bounds: previewBounds({ ...context, app, admission: context.admission !== undefined }),
        ownKinds: ownKinds(context.services, false),
        deploy: { ...repository, branch: gitops.branch },
        provider: cluster.provider,
      },
      { dependsOn: argoCd },
    );
  }
  const { gateway } = context;
  const { access, namespace } = cluster;
  const admission = declareAdmission(args);
  const manifests = new GitManifests(
    app,
    {
      repository: gitops.repository,
      branch: gitops.branch,
      committer: gitops.committer,
      signing,
      directory: environment,
      files: environmentFiles(args),
      records: initialRecords(args),
    },
    // What is in Git has the pods start, which then find their Secrets as they are to be.
    {
      dependsOn: [args.secrets.generations, admission?.policy].filter((part) => part !== undefined),
      ...(gateway === undefined ? {} : { hooks: gatewayIsThere({ access, gateway, namespace }) }),
    },
  );
  const otherPods = admission === undefined ? [] : [admission.bindOthers([manifests])];
  const applications = await serviceApplications({
    context,
    project,
    environment,
    argoCdNamespace: argoCd.namespace,
    namespace: cluster.namespace,
    source: { repository: gitops.repository, branch: gitops.branch, directory: environment },
    rollouts: gitops.rollouts !== undefined,
    handOver: args.handOver,
    provider: cluster.provider,
    // Its own Secrets alone: with all of them, the dependencies of all Applications would grow by the square of the services.
    dependsOn: (name, service) => [
      ...cluster.home,
      manifests,
      ...(args.secrets.objects.get(name) ?? []),
      ...otherPods,
      ...(service === undefined ? [] : (admission?.bindService(service, [manifests]) ?? [])),
    ],
  });
  await deliverToFurtherClusters({ ...args, gitops, argoCd, signing, repository, manifests });
  deliverMigrations({ ...args, gitops, signing, applications, project, argoCdNamespace: argoCd.namespace, manifests });
  const { registry } = args;
  if (gitops.release === "registry-watch" && args.gitToken !== undefined && registry !== undefined) {
    new ImageUpdater(
      "image-updater",
      {
        project: project.project,
        argoCdNamespace: argoCd.namespace,
        objects: args.installations.imageUpdater,
        deploy: {
          repository: gitops.repository,
          branch: gitops.branch,
          username: gitops.username,
          token: args.gitToken,
        },
        registry,
        tag: args.tag,
        images: [...args.images].map(([name, image]) => ({
          applicationName: applicationName(app, environment, name),
          repository: image.repository,
        })),
        provider: cluster.provider,
      },
      { dependsOn: [...applications.values()] },
    );
  }
}

function signingOf({ gitops, stackSecrets }: GitOpsDeliveryArgs): SigningArgs | undefined {
  if (gitops?.signing === undefined) return undefined;
  const { secret, keys, others } = gitops.signing;
  const privateKey = stackSecrets.get(secret);
  if (privateKey === undefined) throw new Error(`the stack has no secret ${JSON.stringify(secret)} to sign with`);
  return { keys, others, privateKey };
}

/** What is declared after it has its kinds, and is gone before them. */
function declareRollouts({ gitops, installations, cluster }: GitOpsDeliveryArgs): readonly pulumi.Resource[] {
  const { argoRollouts: objects } = installations;
  if (objects === undefined || gitops?.rollouts === undefined || gitops.rollouts === "existing") return [];
  const { namespace } = gitops.rollouts;
  return [new ArgoRollouts("argo-rollouts", { namespace, objects, provider: cluster.provider })];
}

/** The policy, which has to know what manifests declare before they do. */
function declareAdmission({ context, cluster, gitops, images }: GitOpsDeliveryArgs): Admission | undefined {
  const { admission: settings, environment } = context;
  if (settings === undefined) return undefined;
  const declared = declaredImages(context, (service) => images.get(service)?.repository);
  const previews = gitops?.previews !== undefined;
  return new Admission(environment.app, { context, settings, declared, previews, provider: cluster.provider });
}
