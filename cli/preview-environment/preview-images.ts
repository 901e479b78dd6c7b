import { metadata, type Environment } from "../../components/manifests/metadata.ts";
import { previewImagesName } from "../../core/names.ts";
import { writeYaml } from "../../core/yaml.ts";
import { allowedIn } from "../../git/allowed-images.ts";
import { imagesIn, isReplaced } from "../../git/manifest-images.ts";
import type { ReleasedImage } from "../../git/release-record.ts";

/** The ConfigMap with the images that the pods of a preview environment may have, from its directory. */
export const previewImagesFile = "allowed-images.yaml";

/** So many images are kept that are not there any more, whose pods may still have to start again. */
const keptImages = 50;

/**
 * All images of a preview environment: one Application brings them and this list, which comes first by its kind.
 * @param manifests the texts of all files
 * @param released what release records put into them
 * @param before the file as it is
 */
export function previewImages(
  environment: Environment,
  manifests: readonly string[],
  released: readonly ReleasedImage[],
  before: string,
): string {
  const named = manifests.flatMap(imagesIn).map((image) => {
    const record = released.find(({ repository }) => isReplaced(image, repository));
    return record === undefined ? image : `${record.repository}@${record.digest}`;
  });
  const now = [...new Set(named)].toSorted();
  const earlier = (allowedIn(before) ?? []).filter((image) => !now.includes(image)).slice(0, keptImages);
  const data = Object.fromEntries([...now, ...earlier].map((image, index) => [`image-${index + 1}`, image]));
  const { namespace, labels } = metadata(environment, "preview");
  return writeYaml({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: previewImagesName, namespace, labels },
    data,
  });
}
