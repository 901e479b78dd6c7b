import type { Release } from "../../git/records.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { Registry } from "../registry/client.ts";

/**
 * For people: what Argo CD Image Updater will write over. It compares what runs with what the stable tag names, by digest, and
 * knows nothing of rollbacks.
 * @param registry `undefined`: it must not be asked
 * @returns nothing where the tag names the same, or nobody watches it
 */
export async function overwrittenLines(
  { registryWatch, stableTag, name }: DeliveryEnvironment,
  releases: readonly Release[],
  registry: Registry | undefined,
): Promise<string[]> {
  if (registryWatch !== true || stableTag === undefined) return [];
  const lines = await Promise.all(
    releases.map(async ({ service, repository, digest }) => {
      const tagged = await registry?.digest(repository, stableTag);
      if (registry !== undefined && (tagged === undefined || tagged === digest)) return [];
      return [
        `${service}: Argo CD Image Updater watches ${repository}:${stableTag} for ${name} (gitops.release registry-watch), which names another image: it writes that over this one at its next look. Move the tag to ${repository}@${digest}, too`,
      ];
    }),
  );
  return lines.flat();
}
