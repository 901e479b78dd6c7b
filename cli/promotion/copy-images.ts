import { imageRepository } from "../../core/names.ts";
import { normalImageName } from "../../core/image-name.ts";
import type { Release } from "../../git/records.ts";
import { imagesOrigin } from "../../stacks/images-schema.ts";
import { CommandError, type CommandContext } from "../command.ts";
import type { StackFile } from "../project/stack-file.ts";
import { artifactStore } from "../registry/artifacts.ts";
import { copyImage, copyTag, type CopiedImage } from "../registry/copy-image.ts";
import { RegistryRefusal } from "../registry/session.ts";
import type { ReleaseChecks } from "../release/assert-releasable.ts";
import type { Candidates } from "./candidates.ts";

/**
 * Where images are copied from: where they are signed, since a cache that another environment pulls through may lack what is attached
 * to them; else where the other environment runs them from.
 * @param file the stack file of the environment that gets them
 * @returns by service
 */
export function copyOrigins(
  file: StackFile,
  { pending, runsFrom }: Pick<Candidates, "pending" | "runsFrom">,
): ReadonlyMap<string, string> {
  const { app, images } = file.read("app", "images");
  return new Map(
    pending.map(({ service, repository }) => [
      service,
      images.signing?.origin === undefined
        ? (runsFrom.get(service) ?? repository)
        : imageRepository(imagesOrigin(images), app.name, service),
    ]),
  );
}

interface CopyArgs {
  readonly origins: ReadonlyMap<string, string>;
  readonly checks: Pick<ReleaseChecks, "assertCopied" | "registryFor">;
  readonly note: CommandContext["note"];
}

/**
 * Copies images to where they are to run from, one after the other, and asks again there for what the environment demands.
 * @throws CommandError with the image that could not be copied; those before it are there, and are not copied again
 */
export async function copyImages(releases: readonly Release[], { origins, checks, note }: CopyArgs): Promise<void> {
  const registry = checks.registryFor(releases);
  for (const { service, repository, digest } of releases) {
    const origin = origins.get(service) ?? repository;
    if (normalImageName(origin) === normalImageName(repository)) {
      note(`${service} | is not copied: both environments run it from ${repository}`);
      continue;
    }
    const from = artifactStore(origin, { ...registry, actions: "pull" });
    const copied = await copyImage(digest, from, artifactStore(repository, registry), copyTag(digest)).catch(
      (error: unknown) => {
        // Source: Distribution 3.1, registry/handlers: a cache takes nothing.
        if (error instanceof RegistryRefusal && error.status === 405)
          throw new CommandError(
            `${repository} takes no images (${error.message}): as a cache it fetches them by itself, so leave promotion.copyImages out; nothing was changed`,
            { cause: error },
          );
        throw error;
      },
    );
    note(`${service} | ${describe(copied)} copied from ${origin} to ${repository}`);
  }
  await checks.assertCopied(releases);
}

function describe({ images, attachments, bytes }: CopiedImage): string {
  const what = images === 1 ? "one image" : `an index and its ${images - 1} images`;
  const size = bytes === 0 ? "whose layers were all there" : `${(bytes / 1e6).toFixed(1)} MB`;
  return `${what}, ${attachments} attachments, ${size},`;
}
