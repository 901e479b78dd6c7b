import { createHash } from "node:crypto";
import { migrationFiles } from "../../components/manifests/manifest-files.ts";
import { migrationManifests } from "../../components/manifests/manifests.ts";
import { type ManifestContext } from "../../components/manifests/manifest-context.ts";
import { deployedDependencies } from "../../components/manifests/dependency.ts";
import type { Service } from "../../components/service/service.ts";
import { migrationJobName } from "../../core/names.ts";
import { writeYaml } from "../../core/yaml.ts";
import type { ReleasedImage } from "../../git/release-record.ts";

// In a preview environment one commit brings everything, so the order is Argo CD's: databases first, then the migrations, and
// services only when those have succeeded.

const waveAnnotation = "argocd.argoproj.io/sync-wave";

/**
 * Whether the migrations of a service run: where all that it keeps data in is the preview's own. Without dependencies, nothing
 * tells where its data are: it may be the environment's, which a pull request must not change.
 */
export function runsMigrations(
  { dependencies = {} }: Pick<Service, "dependencies">,
  declared: ManifestContext["dependencies"],
): boolean {
  const own = deployedDependencies(declared);
  const used = Object.keys(dependencies);
  return used.length > 0 && used.every((name) => Object.hasOwn(own, name));
}

/** The services whose migrations do not run in the preview. */
export function withoutMigrations(
  services: readonly Service[],
  dependencies: ManifestContext["dependencies"],
): string[] {
  return services.flatMap((service) =>
    service.migrations === undefined || runsMigrations(service, dependencies) ? [] : [service.name],
  );
}

/** The files of a service's migrations, by path from its directory; none where it has none. */
export function previewMigrationFiles(
  context: ManifestContext,
  service: Service,
  { repository, digest }: ReleasedImage,
): Record<string, string> {
  const image = `${repository}@${digest}`;
  const files = (name: string): Record<string, string> => {
    const annotations = { [waveAnnotation]: "1" };
    const manifests = migrationManifests(context, service, { image, name, annotations });
    return manifests === undefined ? {} : migrationFiles(manifests);
  };
  // A Job cannot be changed: one that would be another has another name.
  const content = createHash("sha256")
    .update(JSON.stringify(files("")))
    .digest("hex");
  const written = files(migrationJobName(service.name, content, 1));
  return Object.fromEntries(
    Object.entries(written).map(([path, text]) => [path.replace("migration/template/", "migration/"), text]),
  );
}

/** What has Argo CD start the services after the migrations; nothing where there are none. */
export function migrationPatches({ services }: ManifestContext): { patches?: object[] } {
  if (services.every(({ migrations }) => migrations === undefined)) return {};
  const metadata = { name: "any", annotations: { [waveAnnotation]: "2" } };
  const patch = writeYaml({ apiVersion: "apps/v1", kind: "Deployment", metadata });
  // Whatever kind its pods are made by; a patch with a target is of any kind. Not by name: a Job has one of its own for every image.
  const labelSelector = `app.kubernetes.io/name in (${services.map(({ name }) => name).join(", ")})`;
  const target = { kind: "(Deployment|StatefulSet|CronJob|Job)", labelSelector };
  return { patches: [{ target, patch }] };
}
