import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { artifactStore, type ArtifactStore } from "../../cli/registry/artifacts.ts";
import { signImage } from "../../cli/signing/sign-image.ts";
import type { ImageClaim } from "../../cli/signing/statement.ts";

export interface KeyPair {
  readonly key: KeyObject;
  /** As the stack's secret and CI's context have it. */
  readonly privatePem: string;
  /** As the stack file has it. */
  readonly publicPem: string;
}

export function keyPair(namedCurve = "P-256"): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
  return {
    key: privateKey,
    privatePem: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    publicPem: String(publicKey.export({ type: "spki", format: "pem" })),
  };
}

/** A store of a registry that lets everybody in. @param repository e.g. `127.0.0.1:5000/acme/shop-link` */
export function openStore(repository: string): ArtifactStore {
  return artifactStore(repository, { login: async () => undefined, pauses: [1, 1] });
}

/** Signs as a build does, with predicates that say little. Returns how many statements were attached. */
export function signSample(
  claim: Omit<ImageClaim, "tags" | "commit"> & Partial<ImageClaim>,
  key: KeyObject,
): Promise<number> {
  const full = { tags: [], commit: "0123456789abcdef0123456789abcdef01234567", ...claim };
  return signImage(openStore(claim.repository), full, key, () => ({
    signature: {},
    SBOM: { bomFormat: "CycloneDX" },
    provenance: { buildDefinition: {} },
  }));
}
