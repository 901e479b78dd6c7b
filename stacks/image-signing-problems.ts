import { imageKeyHint, isAmong, publicKeyHint, readPrivateKey } from "../core/image-key.ts";
import type { Problem } from "../core/problem.ts";
import { secretPlaceholder } from "../core/setting-values.ts";
import type { StackSettings } from "./schema.ts";

/**
 * What is wrong between the keys of a stack, and what its images are to prove. No message shows the private key.
 * @param privateKey the secret that `images.signing.secret` names; `undefined`: there is none, which is told elsewhere
 */
export function imageSigningProblems(
  file: string,
  { owns, images, delivery }: Pick<StackSettings, "owns" | "images" | "delivery">,
  privateKey: string | undefined,
): Problem[] {
  const { signing, source } = images;
  if (signing === undefined) return [];
  const at = (key: string, message: string): Problem[] => [{ location: `${file}: images.signing.${key}`, message }];
  // With gitops the program makes each service's first image, and commands release what follows.
  if (signing.verify !== undefined && source === "build" && delivery === "direct")
    return at(
      "verify",
      "demands what CI signs, and this program builds all images itself (images.source build), unsigned; set images.source to registry",
    );
  if (signing.secret === undefined)
    return owns.ciProject && source === "registry"
      ? at("secret", `missing, so CI's builds cannot sign; ${imageKeyHint}, and set it to image-key`)
      : [];
  if (!owns.ciProject)
    return at("secret", "is of the builds' context, which the stack with owns.ciProject declares; set it there");
  // A preview without credentials knows no key.
  if (privateKey === undefined || privateKey === secretPlaceholder) return [];
  const read = readPrivateKey(privateKey);
  if ("problem" in read) return at("secret", `the secret ${signing.secret} ${read.problem}; ${imageKeyHint}`);
  return isAmong(signing.publicKeys, read.key)
    ? []
    : at("publicKeys", `the key that belongs to the secret ${signing.secret} is not among them; ${publicKeyHint}`);
}
