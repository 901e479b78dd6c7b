import { errorMessage } from "../../core/error.ts";
import { shortDigest, type Release } from "../../git/records.ts";
import type { Registry } from "../registry/client.ts";

/** How a registry is asked before an image is taken back: what is bad runs meanwhile. */
export const urgentLimits = { retries: 1, longestPause: 2000, timeout: 10_000 };

/** Whom to ask whether images of earlier times can still be pulled. */
export interface ImageKeeper {
  /** `undefined`: nobody is asked. */
  readonly registry: Registry | undefined;
  readonly note: (line: string) => void;
}

type Image = Pick<Release, "service" | "repository" | "digest">;

/**
 * What the registry has lost of an image that is to run again, by retention or garbage collection. Where it does not tell, it is taken
 * to have all of it: what has failed is known to be bad, and its successor only may be gone.
 * @param failed what runs in its place, which the registry has
 * @returns `undefined`: nodes can pull it, as far as anybody knows
 */
export async function lossOf(
  image: Image,
  failed: Image,
  { registry, note }: ImageKeeper,
): Promise<string | undefined> {
  if (registry === undefined) return undefined;
  try {
    const missing = await registry.missingParts(image.repository, image.digest);
    if (missing.length === 0) return undefined;
    // Who sees nothing of what runs now may see nothing at all: registries hide what one may not read.
    if ((await registry.digest(failed.repository, failed.digest)) !== undefined) return missing.join(" and ");
    throw new Error(`it shows us nothing of ${shortDigest(failed.digest)} either, which runs`);
  } catch (error) {
    note(
      `whether the registry still has ${image.repository}@${image.digest} is not known, and ${image.service} goes back to it all the same: ${errorMessage(error)}`,
    );
    return undefined;
  }
}
