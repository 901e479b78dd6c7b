import { newestBuild } from "./newest-build.ts";
import type { Registry } from "./registry-client.ts";

/** Reading when each was built costs requests, and registries limit those. */
const mostTags = 50;

/** The digest of the newest build in a repository; `undefined`: it holds no image. */
export async function newestImage(
  registry: Registry,
  repository: string,
  stable: string | undefined,
): Promise<string | undefined> {
  const tags = await registry.tags(repository);
  const tag = newestBuild(tags, stable) ?? (await lastBuilt(registry, repository, tags));
  return tag === undefined ? undefined : registry.digest(repository, tag);
}

async function lastBuilt(registry: Registry, repository: string, tags: readonly string[]): Promise<string | undefined> {
  if (tags.length < 2) return tags[0];
  const dated = await Promise.all(
    tags
      .slice(-mostTags)
      .map(async (tag) => ({ tag, time: (await registry.created(repository, tag))?.getTime() ?? 0 })),
  );
  return dated.toSorted((one, other) => one.time - other.time).at(-1)?.tag;
}
