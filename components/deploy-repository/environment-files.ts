import type * as pulumi from "@pulumi/pulumi";
import { generationText, type ServiceSecrets } from "../cluster/service-secret.ts";
import { dependencyManifests, dependencyUsers, deployedDependencies } from "../manifests/dependency.ts";
import type { ManifestContext } from "../manifests/manifest-context.ts";
import { dependencyFiles, migrationFiles, serviceFiles } from "../manifests/manifest-files.ts";
import { migrationManifests } from "../manifests/manifests.ts";
import { generationAnnotation } from "../manifests/metadata.ts";
import { serviceObjects } from "../manifests/service-objects.ts";
import type { ServiceImage } from "../service-image.ts";

export interface EnvironmentFilesArgs {
  context: ManifestContext;
  images: ReadonlyMap<string, ServiceImage>;
  secrets: ServiceSecrets;
  /** Where they lie in it. @default the environment's own directory */
  directory?: string;
}

/** The files of an environment in the deploy repository, by path. */
export function environmentFiles(args: EnvironmentFilesArgs): pulumi.Input<Record<string, string>> {
  const { generations } = args.secrets;
  if (generations === undefined) return filesAt(args, {});
  return generations.generations.apply((all) => filesAt(args, all));
}

/** @param generations of the Secrets, by the service or dependency that has one */
function filesAt(
  { context, images, directory = context.environment.name }: EnvironmentFilesArgs,
  generations: Readonly<Record<string, number>>,
): Record<string, string> {
  const files: Record<string, string> = {};
  const put = (name: string, content: Record<string, string>): void => {
    for (const [file, text] of Object.entries(content)) files[`${directory}/${name}/${file}`] = text;
  };
  for (const [name, settings] of Object.entries(deployedDependencies(context.dependencies))) {
    const generation = generationText(generations[name]);
    const annotations = generation === undefined ? undefined : { [generationAnnotation]: generation };
    const users = dependencyUsers(name, context.services);
    put(name, dependencyFiles(dependencyManifests(context.environment, name, settings, users, annotations)));
  }
  for (const service of context.services) {
    const image = images.get(service.name);
    if (image === undefined) continue;
    const secretsGeneration = generationText(generations[service.name]);
    // The release record turns the repository's name into the image by digest.
    const { manifests, own } = serviceObjects(context, service, { image: image.repository, secretsGeneration });
    put(service.name, serviceFiles(manifests, own));
    const migration = migrationManifests(context, service, { image: image.repository });
    if (migration !== undefined) put(service.name, migrationFiles(migration));
  }
  return files;
}
