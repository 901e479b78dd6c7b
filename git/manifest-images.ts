import { parseAllDocuments } from "yaml";
import { normalImageName, repositoryOfReference } from "../core/image-name.ts";
import { isMap } from "../core/yaml.ts";
import type { ReleasedImage } from "./release-record.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Whether kustomize puts the digest of a release record into an image of the manifests. It takes the record's name for a
 * regular expression, in which `.` is any character, compares whole names with their case, and never looks at what Docker
 * takes for the same. Seen with kustomize 5.8; source: api/internal/image of https://github.com/kubernetes-sigs/kustomize
 */
export function isReplaced(image: string, name: string): boolean {
  // Other characters of regular expressions stand for other texts than themselves, such as the brackets of an IPv6 address.
  if (!/^[\w./:-]+$/.test(name) || image.length < name.length) return false;
  const same = name.split("").every((character, index) => character === "." || character === image[index]);
  // Digests of other kinds count from kustomize 5.8.3 on only.
  return same && /^(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$/.test(image.slice(name.length));
}

/** The images of manifests in which kustomize would replace one: of all containers, at any depth, but not in definitions of types. */
export function imagesIn(text: string): string[] {
  return parseAllDocuments(text, { logLevel: "error" }).flatMap((document) => {
    if ("empty" in document || document.errors.length > 0) return [];
    const object: unknown = document.toJS();
    return isMap(object) && object["kind"] !== "CustomResourceDefinition" ? imagesOf(object) : [];
  });
}

function imagesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(imagesOf);
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const containers = (key === "containers" || key === "initContainers") && Array.isArray(inner) ? inner : [];
    const images = containers.flatMap((container) =>
      isMap(container) && typeof container["image"] === "string" ? [container["image"]] : [],
    );
    return [...images, ...imagesOf(inner)];
  });
}

/** What a service's manifests run. */
export interface ManifestImages {
  /** The directory of its manifests. */
  readonly directory: string;
  readonly images: readonly string[];
}

/**
 * @param directory the environment's
 * @returns by service; nothing of those that have no manifests, or none that can be read
 */
export async function manifestImages(
  snapshot: Snapshot,
  directory: string,
  services: readonly string[],
): Promise<ReadonlyMap<string, ManifestImages>> {
  const wanted = new Set(services.map((service) => `${directory}/${service}`));
  const files = [...snapshot.entries.keys()].filter((path) => {
    const [, folder = "", file = ""] = /^(.*)\/([^/]*)$/.exec(path) ?? [];
    return wanted.has(folder) && /\.ya?ml$/.test(file) && !/^kustomization\.ya?ml$/.test(file);
  });
  const texts = await snapshot.read(files);
  return new Map(
    services.flatMap((service) => {
      const own = `${directory}/${service}`;
      const images = files
        .filter((path) => path.startsWith(`${own}/`))
        .flatMap((path) => imagesIn(texts.get(path) ?? ""));
      return images.length === 0 ? [] : [[service, { directory: own, images }] as const];
    }),
  );
}

/**
 * The release as the manifests spell the name of its image: any other record would be passed over, and what the manifests have
 * by themselves would run.
 * @param known `undefined`: there are no manifests yet
 * @returns the problem where the manifests run another image
 */
export function spelledAsIn<Release extends ReleasedImage>(
  release: Release,
  known: ManifestImages | undefined,
): Release | { readonly problem: string } {
  if (known === undefined || known.images.some((image) => isReplaced(image, release.repository))) return release;
  const same = known.images
    .map(repositoryOfReference)
    .find((name) => isSameName(name, release.repository) && known.images.some((image) => isReplaced(image, name)));
  if (same !== undefined) return { ...release, repository: same };
  const found = [...new Set(known.images.map(repositoryOfReference))].join(", ");
  return {
    problem: `${known.directory} runs ${found}, and a record of ${release.repository} would change nothing there`,
  };
}

function isSameName(one: string, other: string): boolean {
  const name = normalImageName(one);
  return name !== undefined && name === normalImageName(other);
}
