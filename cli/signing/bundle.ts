import { sign, type KeyObject } from "node:crypto";
import { bundleFromJSON, bundleToJSON, toDSSEBundle, type Bundle } from "@sigstore/bundle";
import { dsse } from "@sigstore/core";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { keyHint, publicPart } from "../../core/image-key.ts";
import { statementType } from "./statement.ts";

/** The media type of a bundle, which its text names, too: an envelope with all that is needed to verify it. */
export const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** Signs a statement. No service is asked, and no clock. */
export function signStatement(statement: string, key: KeyObject): Buffer<ArrayBuffer> {
  const artifact = Buffer.from(statement);
  const bundle = toDSSEBundle({
    artifact,
    artifactType: statementType,
    signature: sign("sha256", dsse.preAuthEncoding(statementType, artifact), key),
    keyHint: keyHint(key),
  });
  // cosign passes over a signature whose envelope names the key by another form of its hash than its own.
  for (const signature of bundle.content.dsseEnvelope.signatures) signature.keyid = "";
  return Buffer.from(JSON.stringify(bundleToJSON(bundle)));
}

/** What became of a bundle: the text that it holds, or why that does not count. */
export type Verified = { readonly statement: string } | { readonly reason: "foreign key" | "broken" | "other form" };

/**
 * Verifies a bundle by keys alone: with no certificate, no log and no time, for it has none of these that could be trusted here.
 * @param keys the public keys that count
 */
export function verifyBundle(text: string, keys: readonly KeyObject[]): Verified {
  const bundle = parsed(text);
  if (bundle?.content.$case !== "dsseEnvelope") return { reason: "other form" };
  const { payload, payloadType } = bundle.content.dsseEnvelope;
  if (payloadType !== statementType) return { reason: "other form" };
  if (keys.some((key) => isSignedBy(bundle, key))) return { statement: Buffer.from(payload).toString() };
  const { content } = bundle.verificationMaterial;
  const hint = content.$case === "publicKey" ? content.publicKey.hint : "";
  return { reason: keys.some((key) => keyHint(key) === hint) ? "broken" : "foreign key" };
}

function parsed(text: string): Bundle | undefined {
  try {
    return bundleFromJSON(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The hint only says which key it may be: whatever it says, the key must verify. */
function isSignedBy(bundle: Bundle, key: KeyObject): boolean {
  if (bundle.verificationMaterial.content.$case !== "publicKey") return false;
  const trusted = toTrustMaterial(noServices, () => ({ publicKey: publicPart(key), validFor: () => true }));
  try {
    new Verifier(trusted, { tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0 }).verify(
      toSignedEntity({ ...bundle, verificationMaterial: { ...bundle.verificationMaterial, ...noTimes } }),
    );
    return true;
  } catch {
    return false;
  }
}

const noServices = {
  mediaType: "application/vnd.dev.sigstore.trustedroot.v0.2+json",
  certificateAuthorities: [],
  timestampAuthorities: [],
  tlogs: [],
  ctlogs: [],
};

/** Entries of logs and times by others: none of those is known here, and a key needs none. */
const noTimes = { tlogEntries: [], timestampVerificationData: undefined };
