import type { Registry } from "./client.ts";

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

/**
 * The tag of the newest build: CI tags `<stable>.<build number>`, e.g. `0.2.117`.
 * @param stable the part before the build number; without it any tag of numbers and dots counts
 * @returns `undefined` if no tag is of that form
 */
export function newestBuild(tags: readonly string[], stable: string | undefined): string | undefined {
  const ofStable =
    stable === undefined
      ? []
      : tags.filter((tag) => tag.startsWith(`${stable}.`) && /^\d+$/.test(tag.slice(stable.length + 1)));
  const builds = ofStable.length > 0 ? ofStable : tags.filter((tag) => /^\d+(\.\d+){2,}$/.test(tag));
  return builds.toSorted(compareNumbers).at(-1);
}

/** By number, part by part: 0.2.10 comes after 0.2.9. */
function compareNumbers(one: string, other: string): number {
  const [ones, others] = [one, other].map((tag) => tag.split(".").map(Number));
  for (let index = 0; index < Math.max(ones?.length ?? 0, others?.length ?? 0); index++) {
    const difference = (ones?.[index] ?? -1) - (others?.[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
