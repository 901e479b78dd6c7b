import { locateImages } from "../../core/image-name.ts";
import type { Release } from "../../git/records.ts";
import { UsageError } from "../options.ts";
import type { CommandContext } from "../command.ts";
import type { StackFile } from "../project/stack-file.ts";
import { registryClient } from "../registry/client.ts";
import { givenLogin, registryAccess, type RegistryFlags } from "../registry/open-registry.ts";
import type { RegistryOptions } from "../registry/session.ts";
import { assertImagesSigned, signingPolicy } from "../signing/assert-images-signed.ts";
import { assertImagesExist } from "./assert-images-exist.ts";

/** How an environment's images are judged before they are released. */
export interface ReleaseChecks {
  /**
   * @param origins where images are that are still to be copied: service → repository. @default they are where they are to run from
   * @throws CommandError with all images that the registry does not have, or that lack the proofs that the environment demands
   */
  readonly assertReleasable: (releases: readonly Release[], origins?: ReadonlyMap<string, string>) => Promise<void>;
  /** The same for what was copied: proofs at the origin do not count any more. */
  readonly assertCopied: (releases: readonly Release[]) => Promise<void>;
  /** How the registries are asked: the user's login is for the one that these run from. */
  readonly registryFor: (releases: readonly Release[]) => RegistryOptions;
}

interface CheckFlags extends RegistryFlags {
  readonly unverified: boolean;
}

/**
 * @param file the stack file of the environment that is to run the images
 * @throws UsageError where what the environment demands cannot be left out
 */
export async function releaseChecks(
  file: StackFile,
  flags: CheckFlags,
  context: CommandContext,
): Promise<ReleaseChecks> {
  const policy = signingPolicy(file);
  if (policy !== undefined && flags.unverified)
    throw new UsageError(
      `--unverified asks nobody, and ${policy.file} demands signed images (images.signing.verify); leave it out`,
    );
  const given = flags.unverified ? undefined : await givenLogin(flags, context);
  // The login is for the environment's registry: where images come from is another's.
  const registryFor = ([first]: readonly Release[]): RegistryOptions =>
    registryAccess(given, context, first === undefined ? {} : { host: locateImages(first.repository).host });
  if (flags.unverified) return { assertReleasable: async () => {}, assertCopied: async () => {}, registryFor };
  return {
    registryFor,
    assertReleasable: async (releases, origins) => {
      const registry = registryFor(releases);
      const at = releases.map(({ repository, ...release }) => ({
        ...release,
        repository: origins?.get(release.service) ?? repository,
      }));
      await assertImagesExist(registryClient(registry), at, {
        dispensable: policy === undefined && origins === undefined,
      });
      if (policy !== undefined) await assertImagesSigned(policy, at, registry);
    },
    assertCopied: async (releases) => {
      const registry = registryFor(releases);
      await assertImagesExist(registryClient(registry), releases, { dispensable: false });
      if (policy !== undefined) await assertImagesSigned(policy, releases, registry, "beside the image");
    },
  };
}
