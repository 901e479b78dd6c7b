import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

/** A key, or why a text is none. */
export type KeyOr = { readonly key: KeyObject } | { readonly problem: string };

/** How to make a pair of keys and to set the private one. */
export const imageKeyHint =
  "make it with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | pulumi config set --secret --path 'secrets.image-key'`";

/** How to get the public key of what is set. */
export const publicKeyHint =
  "`pulumi config get --path 'secrets.image-key' | openssl pkey -pubout` prints the public key of the secret image-key";

/** Reads a public key with which images are verified: EC on the curve P-256 as PEM, which is what cosign makes and takes. */
export function readPublicKey(pem: string): KeyOr {
  if (/PRIVATE KEY/.test(pem))
    return { problem: "is a private key: it is in Git now, so make a new pair, and write the public key here" };
  return readKey(pem, () => createPublicKey(pem), "a public key in PEM, -----BEGIN PUBLIC KEY-----");
}

/** Reads the private key that signs images: PKCS#8 or SEC 1 as PEM, which may be in base64, without a password. No message shows any of it. */
export function readPrivateKey(text: string): KeyOr {
  const pem = text.includes("-----") ? text : Buffer.from(text, "base64").toString();
  if (/ENCRYPTED/.test(pem))
    return { problem: "is encrypted, and where it is kept it is a secret already; set one without a password" };
  return readKey(pem, () => createPrivateKey(pem), "a private key in PEM, -----BEGIN PRIVATE KEY-----");
}

function readKey(pem: string, read: () => KeyObject, what: string): KeyOr {
  try {
    const key = read();
    // @sigstore/verify and cosign agree on how this kind signs, with SHA-256.
    if (key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1") return { key };
    return { problem: "is a key of another kind than EC on the curve P-256" };
  } catch {
    return { problem: pem.trim() === "" ? "is empty" : `is not ${what}` };
  }
}

/** The public key that belongs to a key. */
export function publicPart(key: KeyObject): KeyObject {
  return key.type === "public" ? key : createPublicKey(key);
}

/** How signatures name the key that made them: the hash of its public part, as cosign writes it. */
export function keyHint(key: KeyObject): string {
  const der = publicPart(key).export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest("base64");
}

/** Whether the public part of a key is among some, as PEM. */
export function isAmong(publicKeys: readonly string[], key: KeyObject): boolean {
  return publicKeys.some((pem) => {
    const read = readPublicKey(pem);
    return "key" in read && keyHint(read.key) === keyHint(key);
  });
}
