import { z } from "zod";
import { nameComponent } from "../core/image-name.ts";
import { publicKeyHint, readPublicKey } from "../core/image-key.ts";

/** Proof of what images are: signature, SBOM and provenance, attached to their digests. */
export const imageSigningSchema = z.strictObject({
  /** The name of the secret with the private key of builds. The stack with owns.ciProject says it. */
  secret: z.string("Must be the name of a secret").optional(),
  /**
   * Whose signatures count, as PEM: the key of builds, and for as long as what it has signed is still to be released, the one
   * before.
   */
  publicKeys: z
    .array(
      z.string("Must be a public key in PEM").superRefine((pem, context) => {
        const read = readPublicKey(pem);
        if ("problem" in read)
          context.addIssue({ code: "custom", message: `${upperFirst(read.problem)}; ${publicKeyHint}` });
      }),
      `Must be a list of public keys in PEM; ${publicKeyHint}`,
    )
    .min(1, `Must have a key, or nothing can be verified; ${publicKeyHint}`),
  /** `signed`: no command releases an image here that does not have all of it, for its repository and commit. @default not asked */
  verify: z
    .literal("signed", "Must be signed; without it, images are released whether they are signed or not")
    .optional(),
  /**
   * The registry and organization where images are built and signed, if this environment has them elsewhere: as copies, or through
   * a cache, e.g. `docker.io/acme`. @default those of `images`
   */
  origin: z
    .string("Must be a registry and an organization, such as docker.io/acme")
    .regex(
      new RegExp(`^[a-z0-9.-]+(:\\d+)?(?:/${nameComponent})+$`),
      "Must be a registry and an organization, such as docker.io/acme",
    )
    .optional(),
});

function upperFirst(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
