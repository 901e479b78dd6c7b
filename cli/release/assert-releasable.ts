import { locateImages } from "../../core/image-name.ts";
import type { Release } from "../../git/records.ts";
import { UsageError } from "../options.ts";
import type { CommandContext } from "../command.ts";
import type { StackFile } from "../project/stack-file.ts";
import { registryClient } from "../registry/client.ts";
import { givenLogin, registryAccess, type RegistryFlags } from "../registry/open-registry.ts";
import type { RegistryOptions } from "../registry/session.ts";
import { assertImagesSigned, signingPolicy, type SigningPolicy } from "../signing/assert-images-signed.ts";
import { assertImagesExist } from "./assert-images-exist.ts";

/** How an environment's images are judged before they are released. */
export interface ReleaseChecks {
  /** @throws CommandError with all images that the registry does not have, or that lack the proofs that the environment demands */
  readonly assertReleasable: (releases: readonly Release[]) => Promise<void>;
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
      `--unverified asks nobody, and ${policy.file} demands signed images (signing.verify); leave it out`,
    );
  if (flags.unverified) return { assertReleasable: async () => {} };
  const given = await givenLogin(flags, context);
  return {
    assertReleasable: async (releases) => {
      const [first] = releases;
      if (first === undefined) return;
      // The login is for the environment's registry: where images come from is another's.
      const registry = registryAccess(given, context, { host: locateImages(first.repository).host });
      await check(policy, releases, registry);
    },
  };
}

async function check(
  policy: SigningPolicy | undefined,
  releases: readonly Release[],
  registry: RegistryOptions,
): Promise<void> {
  await assertImagesExist(registryClient(registry), releases);
  if (policy !== undefined) await assertImagesSigned(policy, releases, registry);
}
