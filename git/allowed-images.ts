import { allowedImagesName } from "../core/names.ts";
import { isMap, parseYaml, writeYaml } from "../core/yaml.ts";
import { migrationDirectory } from "./migration-record.ts";

// Where the cluster asks which images pods may have, the image of a release record is allowed by the manifests themselves. What
// the release commands add is what ran before: while a rollout lasts, or is stuck, its pods must be able to start again.

/** What ran before, from the directory of the service. */
export const previousImagesFile = "release/previous-images.yaml";

/** The same from the root of the deploy repository. It is there where the cluster asks. */
export function previousImagesPath(directory: string, service: string): string {
  return `${directory}/${service}/${previousImagesFile}`;
}

/** Several releases may follow each other before the pods of the first one are gone. */
const keptImages = 9;

/** @param images as pods name them, newest first */
export function previousEntries(images: readonly string[]): Record<string, string> {
  return Object.fromEntries(images.map((image, index) => [`previous-${index + 1}`, image]));
}

/** @param images as pods name them, newest first */
export function previousImages(images: readonly string[]): string {
  const header =
    "# What ran before, and may still start. Written by `delivery release`, `promote`, `rollback` and `watch`.\n";
  // A patch of kustomize, which says itself what it is for.
  return (
    header +
    writeYaml({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "previous" }, data: previousEntries(images) })
  );
}

/**
 * @param text the file as it is; what cannot be read counts as nothing
 * @param before what runs until now
 * @param image what is to run
 */
export function previousImagesAfter(text: string, before: string | undefined, image: string): string {
  const all = new Set([...(before === undefined ? [] : [before]), ...(allowedIn(text) ?? [])]);
  all.delete(image);
  return previousImages([...all].slice(0, keptImages));
}

/** The images in a ConfigMap, in their order; `undefined`: it is none. What holds nothing but a comment has none. */
export function allowedIn(text: string): string[] | undefined {
  const parsed = parseYaml(text);
  if ("problem" in parsed) return undefined;
  if (parsed.value === null || parsed.value === undefined) return [];
  const data = isMap(parsed.value) ? (parsed.value["data"] ?? {}) : undefined;
  if (!isMap(data)) return undefined;
  const values = Object.values(data);
  return values.every((value) => typeof value === "string") ? values : undefined;
}

/** The ConfigMap with the image of a service's newest migration, beside its Job. It is there where the cluster asks. */
export function migrationImagesPath(directory: string, service: string): string {
  return `${migrationDirectory(directory, service)}/allowed-images.yaml`;
}

const migrationHeader = "# What the migration may run. Written with its Job.\n";

/** Before the first migration. */
export function initialMigrationImages(): string {
  return migrationHeader;
}

/** @param template what the Job is made of */
export function migrationImages(template: Readonly<Record<string, unknown>>, owner: string, image: string): string {
  const { namespace, labels } = isMap(template["metadata"]) ? template["metadata"] : {};
  const metadata = { name: allowedImagesName(owner), namespace, labels };
  return migrationHeader + writeYaml({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { current: image } });
}
