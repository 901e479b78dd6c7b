import { createHash } from "node:crypto";
import type { DependencySettings } from "../../components/service/dependency-settings.ts";
import { dependencyFiles, serviceFiles } from "../../components/manifests/manifest-files.ts";
import { usedSecrets, type ServiceManifests } from "../../components/manifests/manifests.ts";
import { type ClusterEntry, type ManifestContext } from "../../components/manifests/manifest-context.ts";
import { dependencyManifests, dependencyUsers, deployedDependencies } from "../../components/manifests/dependency.ts";
import { metadata, namespaceManifest, type Environment } from "../../components/manifests/metadata.ts";
import { podSecurity } from "../../components/manifests/pod-security.ts";
import { serviceObjects } from "../../components/manifests/service-objects.ts";
import type { Service } from "../../components/service/service.ts";
import { namespaceName, previewName, previewNamespaceLabel } from "../../core/names.ts";
import { writeYaml } from "../../core/yaml.ts";
import { recordPath, recordWith, type ReleasedImage } from "../../git/release-record.ts";
import { previewImages, previewImagesFile } from "./preview-images.ts";
import { migrationPatches, previewMigrationFiles, runsMigrations } from "./preview-migrations.ts";

/**
 * All files of a preview environment, by path from the root of the deploy repository. The namespace is one of its objects,
 * so that it goes with the rest.
 * @param images what runs of each of its services
 * @param allowed the file with the images that its pods may have, as it is; `undefined`: the cluster does not ask
 */
export function previewFiles(
  directory: string,
  context: ManifestContext,
  images: ReadonlyMap<string, ReleasedImage>,
  allowed?: string,
): Record<string, string> {
  const { app, namespace } = context.environment;
  const secrets = generatedSecrets(context);
  const migrations = merged(
    context.services.map((service) => {
      const image = images.get(service.name);
      return image === undefined ? {} : below(service.name, previewMigrationFiles(context, service, image));
    }),
  );
  const parts = partFiles(directory, context, images);
  const manifests = [...Object.values(parts), ...Object.values(migrations)];
  const shared = {
    "namespace.yaml": writeYaml({
      apiVersion: "v1",
      kind: "Namespace",
      ...namespaceManifest(
        app,
        namespace,
        podSecurity(context.services),
        allowed === undefined ? {} : previewNamespaceLabel(app),
      ),
    }),
    ...(secrets === undefined ? {} : { "secrets.yaml": secrets }),
    ...(allowed === undefined
      ? {}
      : { [previewImagesFile]: previewImages(context.environment, manifests, [...images.values()], allowed) }),
  };
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources: [
      ...Object.keys(shared),
      ...Object.keys(deployedDependencies(context.dependencies)),
      ...context.services.map((service) => service.name),
      ...Object.keys(migrations),
    ],
    ...migrationPatches(context),
  };
  return {
    ...below(directory, { "kustomization.yaml": writeYaml(kustomization), ...shared, ...migrations }),
    ...parts,
  };
}

/** The files of its dependencies and services, each with a folder of its own. */
function partFiles(directory: string, context: ManifestContext, images: ReadonlyMap<string, ReleasedImage>): Files {
  return {
    ...merged(
      Object.entries(deployedDependencies(context.dependencies)).map(([name, settings]) => {
        const users = dependencyUsers(name, context.services);
        const manifests = dependencyManifests(context.environment, name, settings, users);
        return below(`${directory}/${name}`, dependencyFiles(manifests));
      }),
    ),
    ...merged(
      context.services.map((service) => {
        const image = images.get(service.name);
        if (image === undefined) throw new Error(`no image of ${service.name}`);
        const { manifests, own } = serviceObjects(context, service, { image: image.repository });
        return {
          ...below(`${directory}/${service.name}`, serviceFiles(withOwnJob(manifests, image), own)),
          [recordPath(directory, service.name)]: recordWith(image),
        };
      }),
    ),
  };
}

type Files = Record<string, string>;

function below(directory: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([file, text]) => [`${directory}/${file}`, text]));
}

function merged(parts: readonly Files[]): Files {
  return Object.fromEntries(parts.flatMap((part) => Object.entries(part)));
}

interface PreviewContextArgs extends ClusterEntry {
  app: string;
  pullRequest: number;
  /** The services that run in it. */
  services: readonly Service[];
  /** As in the environment that it is modelled on. */
  dependencies: Readonly<Record<string, DependencySettings>>;
}

/** What the manifests of a preview environment are made of. It is small, and shares nothing with the environment that it is modelled on. */
export function previewContext({
  app,
  pullRequest,
  services,
  dependencies,
  ingress,
  gateway,
}: PreviewContextArgs): ManifestContext {
  const name = previewName(pullRequest);
  const used = new Set(services.flatMap((service) => Object.keys(service.dependencies ?? {})));
  return {
    environment: { app, name, namespace: namespaceName(app, name) },
    services: services.map((service) => asSinglePod(service, runsMigrations(service, dependencies))),
    dependencies: Object.fromEntries(
      Object.entries(dependencies).flatMap(([dependency, settings]) =>
        used.has(dependency) ? [[dependency, isOutsideCluster(settings) ? "none" : settings] as const] : [],
      ),
    ),
    ingress: ingress && { ...ingress, domain: `${name}.${ingress.domain}` },
    // One certificate for `*.<domain>`, which a shared Gateway has, is good for one more label and no two.
    gateway: gateway && { ...gateway, hostPrefix: `${name}-` },
  };
}

/** The dependencies that the services do without: those outside of the cluster have data that a preview must not touch. */
export function missingDependencies({ services, dependencies }: PreviewContextArgs): string[] {
  const used = new Set(services.flatMap((service) => Object.keys(service.dependencies ?? {})));
  return Object.keys(dependencies).filter((name) => used.has(name) && isOutsideCluster(dependencies[name] ?? "none"));
}

function isOutsideCluster(settings: DependencySettings): boolean {
  return settings !== "none" && "address" in settings;
}

/**
 * A service with one pod, which nothing changes in steps, and without its host, which leads to the environment; with its migrations if they run. Its data goes with
 * the namespace, and a cron runs when somebody asks for it.
 */
function asSinglePod(
  { autoscaling: _autoscaling, rollout: _rollout, expose, migrations, volumes, ...service }: Service,
  migrated: boolean,
): Service {
  const { host: _host, ...exposed } = typeof expose === "object" ? expose : {};
  return {
    ...service,
    replicas: 1,
    ...(migrated && migrations !== undefined ? { migrations } : {}),
    ...(service.kind === "cron" ? { suspended: true } : {}),
    ...(volumes === undefined ? {} : { volumes: withoutRetention(volumes) }),
    ...(expose === undefined ? {} : { expose: typeof expose === "object" ? exposed : expose }),
  };
}

function withoutRetention(volumes: NonNullable<Service["volumes"]>): NonNullable<Service["volumes"]> {
  return Object.fromEntries(
    Object.entries(volumes).map(([name, volume]) => [name, { ...volume, whenDeleted: "Delete" as const }]),
  );
}

/**
 * A Job by the name of what it runs: one Application has all services of the pull request, and server-side apply cannot replace a
 * Job that has changed. The one before is pruned.
 */
function withOwnJob(manifests: ServiceManifests, image: ReleasedImage): ServiceManifests {
  const { job } = manifests;
  if (job === undefined) return manifests;
  const content = JSON.stringify([job.spec, image.digest]);
  const suffix = createHash("sha256").update(content).digest("hex").slice(0, 10);
  const name = `${job.metadata.name.slice(0, 52)}-${suffix}`;
  return { ...manifests, job: { ...job, metadata: { ...job.metadata, name } } };
}

const secretsHeader = `# Made up by \`delivery preview-environment\`: these values open nothing but what runs in this namespace, and are no secret.
# The environments' own secrets never get into Git.
`;

/** A file with all secrets that a preview environment uses; `undefined`: it uses none. */
function generatedSecrets(context: ManifestContext): string | undefined {
  const { environment } = context;
  const secrets = usedSecrets(context).map(({ owner, name, values }) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { ...metadata(environment, owner), name },
    // Encoded, as the cluster has it, since Argo CD compares the two.
    data: Object.fromEntries(
      Object.entries(values).map(([key, secret]) => [
        key,
        Buffer.from(generatedValue(environment, secret)).toString("base64"),
      ]),
    ),
  }));
  if (secrets.length === 0) return undefined;
  return secretsHeader + secrets.map(writeYaml).join("---\n");
}

/** The same value at every commit, so that pods and databases keep working; another one in every preview environment. */
function generatedValue({ app, name }: Environment, secret: string): string {
  return `throwaway-${createHash("sha256")
    .update(JSON.stringify([app, name, secret]))
    .digest("hex")
    .slice(0, 32)}`;
}
