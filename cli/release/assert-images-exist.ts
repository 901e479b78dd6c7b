import type { Release } from "../../git/records.ts";
import { CommandError } from "../command.ts";
import type { Registry } from "../registry/client.ts";

/** @throws CommandError with all images that the registry does not have */
export async function assertImagesExist(registry: Registry, releases: readonly Release[]): Promise<void> {
  const found = await Promise.all(
    releases.map(async (release) => ({ release, digest: await registry.digest(release.repository, release.digest) })),
  );
  const missing = found
    .filter(({ digest }) => digest === undefined)
    .map(({ release }) => `${release.repository}@${release.digest}`);
  if (missing.length === 0) return;
  throw new CommandError(
    `the registry does not have ${missing.join(", ")}; push first, or give --unverified to release all the same; nothing was changed`,
  );
}
