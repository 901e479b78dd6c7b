import { buildSecretVariables } from "../components/service/build-problems.ts";
import type { CiProjectArgs } from "../components/circleci/ci-project.ts";
import type { CiArgs } from "../components/ci.ts";
import type { TektonCiArgs } from "../components/tekton/tekton-ci.ts";
import type { ContextsArgs } from "../components/circleci/contexts.ts";
import { retainsData } from "../components/manifests/volumes.ts";
import type { ClusterArgs } from "../components/cluster/cluster.ts";
import type { FurtherClusterSettings } from "../components/cluster/further-clusters.ts";
import { absentDependencies } from "../components/service/dependency-settings.ts";
import type { DiscoveryArgs } from "../components/service/find-services.ts";
import { migrationRefusal } from "../components/service/migrations.ts";
import { verificationRefusal } from "../components/service/verification.ts";
import { rolloutRefusal, routerRefusal } from "../components/service/rollout-problems.ts";
import type { GitOpsDeliveryArgs } from "../components/gitops-delivery.ts";
import type { PodSecurity } from "../components/manifests/pod-security.ts";
import type { Service } from "../components/service/service.ts";
import type { Problem } from "../core/problem.ts";
import { gitHubPage } from "../core/github-web.ts";
import { imageKeyVariable, previewNamespaces } from "../core/names.ts";
import type { InstallationsArgs } from "../components/argo-cd/installations.ts";
import { deliveredBranch } from "../git/delivered-branch.ts";
import { tokenVariable } from "../git/git-credentials.ts";
import { signingKeyVariable } from "../git/signing-keys.ts";
import { SourceRepositoryError } from "../git/source-repository.ts";
import type { Config } from "./config.ts";
import { pipelineSecrets } from "./pipeline-secrets.ts";
import type { StackSettings } from "./schema.ts";

/**
 * What the discovery of services takes from the configuration.
 * @param config its secrets, by name, are not checked where there are none
 */
export function discoveryArgs({
  secrets,
  ...config
}: StackSettings & { readonly file: string; readonly secrets?: ReadonlyMap<string, unknown> }): DiscoveryArgs {
  return {
    ...config,
    overrides: config.services,
    dependencies: new Set(Object.keys(config.dependencies)),
    absent: absentDependencies(config.dependencies),
    ...(secrets === undefined ? {} : { secrets: new Set(secrets.keys()) }),
    pipelineSecrets: pipelineSecrets(config),
    programBuilds: config.images.source === "build",
    noMigrations: migrationRefusal(config.file, config),
    verification: { environment: config.verify, refusal: verificationRefusal(config.file, config) },
    noRollouts: rolloutRefusal(config.file, config),
    noRouter: routerRefusal(config.file, config),
    ciBuilds: ciBuilds(config),
  };
}

/**
 * When and on which branch the pipeline runs without a push. Only this needs to know the delivered branch, and where the stack
 * file does not say it, the checkout's remote is asked.
 */
export async function readSchedules({
  ci,
  github,
  app,
  file,
}: Config): Promise<{ schedules: NonNullable<CiProjectArgs["schedules"]>; problems: readonly Problem[] }> {
  const declared = (["drift", "resume"] as const).flatMap((name) => {
    const schedule = ci[`${name}Schedule`];
    return schedule === undefined ? [] : [{ name, schedule }];
  });
  if (declared.length === 0) return { schedules: [], problems: [] };
  try {
    const branch = await deliveredBranch(github?.branch, app.directory);
    return { schedules: declared.map((schedule) => ({ ...schedule, branch })), problems: [] };
  } catch (error) {
    if (!(error instanceof SourceRepositoryError)) throw error;
    const problems = declared.map(({ name }) => ({ location: `${file}: ci.${name}Schedule`, message: error.message }));
    return { schedules: [], problems };
  }
}

/** Builds have the context of the stack that owns the project. */
function ciBuilds({ images, owns }: Pick<StackSettings, "images" | "owns">): boolean {
  return images.source === "registry" && owns.ciProject;
}

/** What belongs to the engine that runs the pipeline. */
export function ciArgs(config: Config, schedules: CiProjectArgs["schedules"], services: readonly Service[]): CiArgs {
  const { engine } = config.ci;
  if (engine === "travis") return { engine };
  return engine === "circleci"
    ? { engine, project: ciProjectArgs(config, schedules, services) }
    : { engine, cluster: tektonArgs(config, schedules, services) };
}

/** What the CI project takes from the configuration. */
export function ciProjectArgs(
  config: Config,
  schedules: CiProjectArgs["schedules"],
  services: readonly Service[],
): CiProjectArgs {
  const { circleciToken: token } = config;
  const { organizationId } = config.ci;
  if (token === undefined || organizationId === undefined)
    throw new Error("unreachable: the configuration has both where CircleCI runs the pipeline");
  return {
    ...config.ci,
    ...contextSources(config, services),
    organizationId,
    project: config.ci.project ?? config.app.name,
    schedules,
    token,
  };
}

/** What the pipeline's part of the cluster takes from the configuration. */
function tektonArgs(config: Config, schedules: CiProjectArgs["schedules"], services: readonly Service[]): TektonCiArgs {
  const { kubeconfig, github, ci, cluster } = config;
  return {
    ...contextSources(config, services),
    repository: github === undefined ? "" : gitHubPage(github.api, github.repository),
    kubeconfig,
    clusterContext: ci.clusterContext ?? cluster.context,
    image: ci.image,
    schedules,
    incoming: ci.incoming,
  };
}

/** The contexts, and where the values of their variables come from. */
function contextSources(config: Config, services: readonly Service[]) {
  const { gitToken, registry, secrets } = config;
  const { readGit, ...contexts } = contextsArgs({ ...config, hasGitToken: gitToken !== undefined }, services);
  return { ...contexts, registry, readGit: readGit && gitToken && { ...readGit, token: gitToken }, secrets };
}

/** What decides about contexts, of a stack file; its secrets are not needed. */
export interface ContextSettings extends Pick<StackSettings, "app" | "ci" | "images" | "owns" | "gitops" | "github"> {
  readonly environment: string;
  /** Whether the secret `gitToken` is set. */
  readonly hasGitToken: boolean;
}

/** What the contexts take from the configuration. */
export function contextsArgs(settings: ContextSettings, services: readonly Pick<Service, "build">[]): ContextsArgs {
  const { app, environment, ci, images, owns, gitops, github } = settings;
  const { username } = images;
  return {
    app: app.name,
    environment,
    owned: owns.ciProject,
    projectSlug: ci.projectSlug,
    standalone: ci.standalone,
    branch: github?.branch,
    registry: username === undefined ? undefined : { username },
    pull: images.pull,
    readGit: gitReader(settings),
    variables: { ...ci.environment, ...signingVariable(gitops?.signing?.secret) },
    shared: {
      build: {
        ...ci.contexts.build,
        ...imageKey(images.signing?.secret),
        ...(ciBuilds(settings) ? buildSecretVariables(services) : {}),
      },
      read: ci.contexts.read,
      previews: gitops?.previews && { ...ci.contexts.previews, ...signingVariable(gitops.signing?.previews) },
    },
    sharedContext: ci.sharedContext,
  };
}

/** With which builds sign images. @param secret its name. @default they do not */
function imageKey(secret: string | undefined): Record<string, string> {
  return secret === undefined ? {} : { [imageKeyVariable]: secret };
}

/** With which those who have the context sign. @param secret its name. @default commits are not signed */
function signingVariable(secret: string | undefined): Record<string, string> {
  return secret === undefined ? {} : { [signingKeyVariable]: secret };
}

/** With what Argo CD reads the deploy repository, pull requests read it, too. A watcher of the registry also writes with it. */
function gitReader({ gitops, hasGitToken, ci }: ContextSettings): ContextsArgs["readGit"] {
  if (gitops === undefined || !hasGitToken || gitops.release === "registry-watch") return undefined;
  if (ci.contexts.read[tokenVariable] !== undefined) return undefined;
  return { username: gitops.username === "x-access-token" ? undefined : gitops.username };
}

/** What the cluster takes from the configuration. */
export function clusterArgs(config: Config, podSecurity: PodSecurity, services: readonly Service[]): ClusterArgs {
  return {
    ...config.cluster,
    app: config.app.name,
    environment: config.environment,
    kubeconfig: config.kubeconfig,
    podSecurity,
    keepsData: services.some(retainsData),
    registry: config.registry,
    pullSecretCopies: config.gitops?.previews && previewNamespaces(config.app.name),
  };
}

/** The environment's clusters beside its own. */
export function furtherClusterSettings({ clusters = [], secrets }: Config): FurtherClusterSettings[] {
  return clusters.map(({ token: secret, ...cluster }) => {
    const token = secrets.get(secret);
    if (token === undefined) throw new Error("unreachable: the configuration has checked that the secret is there");
    return { ...cluster, token };
  });
}

/** What the installations on the cluster take from the configuration. */
export function installationsArgs(config: Config, services: readonly Service[]): InstallationsArgs {
  return { ...config, ownsArgoCd: config.owns.argoCd, services: services.length };
}

/** What both ways of delivery take from the configuration. */
export function deliveryArgs(
  config: Config,
): Omit<GitOpsDeliveryArgs, "context" | "cluster" | "furtherClusters" | "images" | "secrets" | "installations"> {
  return { ...config, stackSecrets: config.secrets, tag: config.images.tag };
}
