import { z } from "zod";
import { nonEmpty } from "../core/problem.ts";
import { parsePublicKey } from "../git/signing-keys.ts";

const publicKeys = z.record(
  z.string().regex(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, "Is not a name of lower case letters, digits and '-'"),
  z.string("Set it to a public key").superRefine((text, context) => {
    const key = parsePublicKey(text);
    if ("problem" in key) context.addIssue({ code: "custom", message: `The key ${key.problem}` });
  }),
);

/** Commits to the deploy repository are signed, and checked. */
export const signingSchema = z
  .strictObject({
    /** The name of the secret with the private key of this environment. */
    secret: nonEmpty("the name of the secret with the private key of this environment"),
    /** Name → public key of those who may change this environment, its own first. */
    keys: publicKeys.refine(
      (keys) => Object.keys(keys).length > 0,
      "Set it to the public half of the secret, e.g. dev: ssh-ed25519 AAAA…",
    ),
    /** Likewise of those who commit to the same branch for other environments. @default nobody does */
    others: publicKeys.default({}),
    /** The name of the secret with which the environments of pull requests are signed. @default there are none */
    previews: z.string("Must be the name of a secret").optional(),
  })
  .superRefine(({ keys, others }, context) => {
    for (const name of Object.keys(others).filter((other) => other in keys))
      context.addIssue({
        code: "custom",
        path: ["others", name],
        message: "Is among gitops.signing.keys, too; remove it here",
      });
  });
