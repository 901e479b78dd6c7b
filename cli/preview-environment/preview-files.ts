import { stringify } from "yaml";
import { dependencyFiles, serviceFiles } from "../../components/manifest-files.ts";
import { serviceManifests, type ManifestContext } from "../../components/manifests.ts";
import { dependencyManifests, dependencyUsers, deployedDependencies } from "../../components/manifests/dependency.ts";
import { namespaceManifest } from "../../components/manifests/metadata.ts";
import { recordPath, recordWith, type ReleasedImage } from "../../git/release-record.ts";
import { throwawaySecrets } from "./throwaway-secrets.ts";

/**
 * All files of a preview environment, by path from the root of the deploy repository. The namespace is one of its objects,
 * so that it goes with the rest.
 * @param images what runs of each of its services
 */
export function previewFiles(
  directory: string,
  context: ManifestContext,
  images: ReadonlyMap<string, ReleasedImage>,
): Record<string, string> {
  const { app, namespace } = context.environment;
  const secrets = throwawaySecrets(context);
  const shared = {
    "namespace.yaml": stringify({ apiVersion: "v1", kind: "Namespace", ...namespaceManifest(app, namespace) }),
    ...(secrets === undefined ? {} : { "secrets.yaml": secrets }),
  };
  const dependencies = deployedDependencies(context.dependencies);
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources: [
      ...Object.keys(shared),
      ...Object.keys(dependencies),
      ...context.services.map((service) => service.name),
    ],
  };
  return {
    ...below(directory, { "kustomization.yaml": stringify(kustomization), ...shared }),
    ...merged(
      Object.entries(dependencies).map(([name, settings]) => {
        const users = dependencyUsers(name, context.services);
        const manifests = dependencyManifests(context.environment, name, settings, users);
        return below(`${directory}/${name}`, dependencyFiles(manifests));
      }),
    ),
    ...merged(
      context.services.map((service) => {
        const image = images.get(service.name);
        if (image === undefined) throw new Error(`no image of ${service.name}`);
        const manifests = serviceManifests(context, service, { image: image.repository });
        return {
          ...below(`${directory}/${service.name}`, serviceFiles(manifests)),
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
