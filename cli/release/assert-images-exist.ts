import type { Release } from "../../git/records.ts";
import { CommandError } from "../command.ts";
import type { Registry } from "../registry/client.ts";

interface ExistenceArgs {
  /** What else to do about one that is missing. @default nothing */
  readonly hint?: string;
  /** Whether the user may have it not asked. @default true */
  readonly dispensable?: boolean;
}

/**
 * @throws CommandError with all images that the registry does not have
 */
export async function assertImagesExist(
  registry: Registry,
  releases: readonly Release[],
  { hint, dispensable = true }: ExistenceArgs = {},
): Promise<void> {
  const found = await Promise.all(
    releases.map(async (release) => ({ release, digest: await registry.digest(release.repository, release.digest) })),
  );
  const missing = found.filter(({ digest }) => digest === undefined).map(({ release }) => nameOf(release));
  if (missing.length === 0) return;
  throw new CommandError(
    `the registry does not have ${missing.join(", ")}; push first${dispensable ? ", or give --unverified to release all the same" : ""}; nothing was changed${hint === undefined ? "" : `. ${hint}`}`,
  );
}

const rollbackHint = "Retention may have removed it: go to another commit with --to, or build it again from its commit";

/**
 * For images of earlier times, of which retention may have removed all or, as a registry's garbage collection does, a part.
 * @throws CommandError with all images that nodes could not pull
 */
export async function assertImagesComplete(registry: Registry, releases: readonly Release[]): Promise<void> {
  await assertImagesExist(registry, releases, { hint: rollbackHint });
  const checked = await Promise.all(
    releases.map(async (release) => {
      const missing = await registry.missingParts(release.repository, release.digest);
      return missing.length === 0 ? [] : [`${missing.join(" and ")} of ${nameOf(release)}`];
    }),
  );
  const incomplete = checked.flat();
  if (incomplete.length === 0) return;
  throw new CommandError(
    `the registry has lost ${incomplete.join(", ")}; give --unverified to release all the same; nothing was changed. ${rollbackHint}`,
  );
}

function nameOf({ repository, digest }: Release): string {
  return `${repository}@${digest}`;
}
