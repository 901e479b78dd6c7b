import { buildSecretPrefix, imageKeyVariable, pullVariables } from "../core/names.ts";
import type { Problem } from "../core/problem.ts";
import { signingKeyVariable } from "../git/signing-keys.ts";
import { clusterContradictions } from "./clusters-contradictions.ts";
import type { StackSettings } from "./schema.ts";

/** What is known of a stack's secrets. */
export interface KnownSecrets {
  readonly names: ReadonlySet<string>;
  readonly hasGitToken: boolean;
}

/** What no single key can see. @param known the stack's secrets. @default not checked */
export function contradictions(file: string, config: StackSettings, known?: KnownSecrets): Problem[] {
  const problems: Problem[] = [];
  const needs = (location: string, secret: string | undefined): void => {
    if (secret === undefined || known?.names.has(secret) !== false) return;
    problems.push({
      location: `${file}: ${location}`,
      message: `there is no secret ${JSON.stringify(secret)}; set it with \`pulumi config set --secret --path 'secrets.${secret}'\``,
    });
  };
  needs("images.pull.password", config.images.pull?.password);
  needs("ci.incoming.secret", config.ci.incoming?.secret);
  needs("images.signing.secret", config.images.signing?.secret);
  for (const { key, variables } of contextVariables(config.ci))
    for (const [name, secret] of Object.entries(variables)) {
      const location = `${file}: ${key}.${name}`;
      needs(`${key}.${name}`, secret);
      if (name.startsWith(buildSecretPrefix))
        problems.push({
          location,
          message:
            "is a variable that holds what `build.secrets` of services name; remove it, and name the secret there",
        });
      if (config.gitops?.signing !== undefined && name === signingKeyVariable)
        problems.push({ location, message: "gitops.signing sets it already; remove it here" });
      if (config.images.signing?.secret !== undefined && name === imageKeyVariable)
        problems.push({ location, message: "images.signing sets it already; remove it here" });
      if (config.images.pull !== undefined && Object.values<string>(pullVariables).includes(name))
        problems.push({ location, message: "images.pull sets it already; remove one of them" });
    }
  for (const kind of ["build", "read"] as const) {
    if (config.owns.ciProject || Object.keys(config.ci.contexts[kind]).length === 0) continue;
    problems.push({
      location: `${file}: ci.contexts.${kind}`,
      message: "is of the context that the stack with owns.ciProject declares; set it there",
    });
  }
  if (config.gitops?.previews === undefined && Object.keys(config.ci.contexts.previews).length > 0) {
    problems.push({
      location: `${file}: ci.contexts.previews`,
      message: "is of the context that the stack with gitops.previews declares; set it there, or set gitops.previews",
    });
  }
  for (const [name, dependency] of Object.entries(config.dependencies)) {
    if (dependency === "none") continue;
    needs(`dependencies.${name}.password`, dependency.password);
    if ("secrets" in dependency)
      for (const [key, secret] of Object.entries(dependency.secrets))
        needs(`dependencies.${name}.secrets.${key}`, secret);
  }
  if (config.cluster.ingress !== undefined && config.cluster.gateway !== undefined) {
    problems.push({
      location: `${file}: cluster.gateway`,
      message: "cluster.ingress is set, too, and a service is reached by one of them; remove the other",
    });
  }
  if (config.ci.engine === "tekton" && config.owns.ciProject && config.github === undefined) {
    problems.push({
      location: `${file}: github`,
      message: "missing; set github.repository to the monorepo, whose events start the runs of Tekton",
    });
  }
  if (config.ci.engine === "circleci" && !config.owns.ciProject && config.ci.projectSlug === undefined) {
    problems.push({
      location: `${file}: ci.projectSlug`,
      message: "missing; set it to the slug of the project that another stack owns, or set owns.ciProject to true",
    });
  }
  if (config.ci.engine !== "circleci" && (config.promotion?.choices ?? []).length > 0) {
    problems.push({
      location: `${file}: promotion.choices`,
      message: `does nothing where ci.engine is ${config.ci.engine}, which asks people by pull requests; remove it, and decide by \`delivery approve\``,
    });
  }
  if (config.images.source === "build" && config.images.platforms.length > 1) {
    problems.push({
      location: `${file}: images.platforms`,
      message: `${JSON.stringify(config.images.platforms)}: Pulumi's Docker provider builds for one platform, and this program builds the images here; name one, or set images.source to registry and let CI build`,
    });
  }
  if (config.delivery === "direct" && config.images.source === "registry" && config.images.releases === undefined) {
    problems.push({
      location: `${file}: images.releases`,
      message: "missing; set it to the directory of the release records, or set images.source to build",
    });
  }
  if (config.delivery === "gitops" && config.gitops === undefined) {
    problems.push({
      location: `${file}: gitops`,
      message: "missing; set gitops.repository to the deploy repository, or set delivery to direct",
    });
  }
  if (config.gitops?.release === "registry-watch" && known?.hasGitToken === false) {
    problems.push({
      location: `${file}: gitToken`,
      message:
        "missing; registry-watch commits to the deploy repository: set a token that may write with `pulumi config set --secret gitToken`",
    });
  }
  if (config.gitops?.release === "registry-watch" && config.images.login === "own") {
    problems.push({
      location: `${file}: gitops.release`,
      message:
        "registry-watch needs a login that Argo CD Image Updater reads the registry with; set images.login to password, or release by commit",
    });
  }
  if (config.gitops?.previews !== undefined && config.github === undefined) {
    problems.push({
      location: `${file}: github.repository`,
      message: "missing; gitops.previews needs it: set it to the monorepo on GitHub, as owner/name",
    });
  }
  for (const product of ["argoCd", "imageUpdater", "rollouts"] as const) {
    const settings = config.gitops?.[product];
    const { version, manifests } = typeof settings === "object" ? settings : {};
    if (version === undefined || manifests === undefined) continue;
    problems.push({
      location: `${file}: gitops.${product}.version`,
      message: `${JSON.stringify(version)}: has no effect beside gitops.${product}.manifests, whose release is installed; remove one of them`,
    });
  }
  for (const schedule of ["driftSchedule", "resumeSchedule"] as const) {
    const isTekton = config.ci.engine === "tekton";
    const isDeclared = config.owns.ciProject && (isTekton || config.ci.repositoryId !== undefined);
    if (config.ci[schedule] === undefined || isDeclared) continue;
    problems.push({
      location: `${file}: ci.${schedule}`,
      message: `needs the pipeline that a stack with owns.ciProject${isTekton ? "" : " and ci.repositoryId"} declares, and looks over all environments; set it there`,
    });
  }
  if (config.ci.deployMarkers && !(config.owns.ciProject && config.ci.repositoryId !== undefined))
    problems.push({
      location: `${file}: ci.deployMarkers`,
      message:
        "needs the pipeline that a stack with owns.ciProject and ci.repositoryId declares, and is about all environments; set it there",
    });
  if (config.ci.incoming !== undefined && (config.ci.driftSchedule ?? config.ci.resumeSchedule) === undefined)
    problems.push({
      location: `${file}: ci.incoming`,
      message: "does nothing without ci.driftSchedule or ci.resumeSchedule; set one of them, or remove it",
    });
  for (const key of ["windows", "freeze"] as const) {
    if (config[key] === undefined) continue;
    const by =
      config.delivery === "direct"
        ? "`pulumi up`, which releases with delivery direct, waits"
        : config.gitops?.release === "registry-watch"
          ? "Argo CD Image Updater, which releases with gitops.release registry-watch, waits"
          : undefined;
    if (by !== undefined)
      problems.push({
        location: `${file}: ${key}`,
        message: `has no effect: ${by} for no window; remove it, or release by commit`,
      });
  }
  problems.push(
    ...signingContradictions(file, config.gitops),
    ...copyContradictions(file, config),
    ...clusterContradictions(file, config),
  );
  for (const [index, { token }] of (config.clusters ?? []).entries()) needs(`clusters.${index}.token`, token);
  needs("gitops.signing.secret", config.gitops?.signing?.secret);
  needs("gitops.signing.previews", config.gitops?.signing?.previews);
  needs("gitops.argoCd.commitStatus.privateKey", config.gitops?.argoCd.commitStatus?.privateKey);
  return problems;
}

/** Every commit on the branch is to be signed, by whoever makes it. */
function signingContradictions(file: string, gitops: StackSettings["gitops"]): Problem[] {
  if (gitops?.signing === undefined) return [];
  const { signing, release, previews } = gitops;
  const watched = {
    location: `${file}: gitops.signing`,
    message:
      "Argo CD Image Updater, which commits for registry-watch, does not sign here; release by commit, or remove it",
  };
  const unsigned = {
    location: `${file}: gitops.signing.previews`,
    message:
      "missing; gitops.previews commits to the branch, too: set it to the name of the secret with a key of its own, and list its public half in gitops.signing.others",
  };
  const unused = {
    location: `${file}: gitops.signing.previews`,
    message: "has no effect without gitops.previews; remove it",
  };
  return [
    ...(release === "registry-watch" ? [watched] : []),
    ...(previews !== undefined && signing.previews === undefined ? [unsigned] : []),
    ...(previews === undefined && signing.previews !== undefined ? [unused] : []),
  ];
}

/** Copies are of what was signed elsewhere. */
function copyContradictions(file: string, { promotion, images }: StackSettings): Problem[] {
  if (promotion?.copyImages !== true) return [];
  const { registry, organization, signing } = images;
  const own = `${registry}/${organization}`;
  const at = (key: string, message: string): Problem => ({ location: `${file}: ${key}`, message });
  if (signing?.verify !== undefined && signing.origin === undefined)
    return [
      at(
        "images.signing.origin",
        `missing; promotion.copyImages has images copied to ${own}. Where they are there already, remove promotion.copyImages; else they are signed for where they were built: set this to that registry and organization, e.g. docker.io/acme`,
      ),
    ];
  if (signing?.origin !== own) return [];
  return [
    at(
      "promotion.copyImages",
      `has nothing to copy: images.signing.origin is ${own}, as images says; remove one of them`,
    ),
  ];
}

/** What a stack file puts into CI's contexts. */
function contextVariables({
  environment,
  contexts,
}: StackSettings["ci"]): { key: string; variables: Readonly<Record<string, string>> }[] {
  return [
    { key: "ci.environment", variables: environment },
    ...Object.entries(contexts).map(([kind, variables]) => ({ key: `ci.contexts.${kind}`, variables })),
  ];
}
