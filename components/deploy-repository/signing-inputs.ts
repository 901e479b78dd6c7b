import * as pulumi from "@pulumi/pulumi";
import type { SigningKeys } from "../../git/signing-keys.ts";

/** Whose signed commits count, and the private key with which this program signs its own. */
export interface SigningArgs extends SigningKeys {
  privateKey: pulumi.Output<string>;
}

/** As resources have it among their inputs: the private key stands alone, for it is secret, and lies encrypted in the state. */
export function signingInputs(signing: SigningArgs | undefined): Record<string, unknown> {
  if (signing === undefined) return {};
  const { keys, others, privateKey } = signing;
  return { signing: { keys, others }, signingKey: pulumi.secret(privateKey) };
}
