import { createHash } from "node:crypto";
import { parseOpenPgpKey } from "./openpgp-key.ts";

/** Whose signed commits count on a branch of a deploy repository: name → public key, of SSH or of OpenPGP. */
export interface SigningKeys {
  /** Of those who may change the environment. */
  readonly keys: Readonly<Record<string, string>>;
  /** Of those who commit to the branch besides, e.g. for other environments on it. */
  readonly others: Readonly<Record<string, string>>;
}

/** The variable that holds the private key. */
export const signingKeyVariable = "DELIVERY_SIGNING_KEY";

/** Commits to a branch are signed. */
export interface Signing extends SigningKeys {
  /** Of SSH, or of OpenPGP as an armoured block; the whole may be in base64. @default that of DELIVERY_SIGNING_KEY */
  readonly privateKey?: string | undefined;
}

/** The trailer of a commit that vouches for all that a directory has by then. */
export const sealTrailer = "Delivery-Seal";

/** A branch as a resource names it, whose private key is an input of its own: it is secret, and the rest is not. */
export function signedBranch<Branch extends { signing?: SigningKeys; signingKey?: string }>({
  signing,
  signingKey,
  ...branch
}: Branch): Omit<Branch, "signing" | "signingKey"> & { signing?: Signing } {
  return signing === undefined ? branch : { ...branch, signing: { ...signing, privateKey: signingKey } };
}

/** A public key that has been read. */
export interface PublicKey {
  readonly format: "ssh" | "openpgp";
  /** As ssh-keygen shows it, `SHA256:…`, or 40 hexadecimal digits. */
  readonly fingerprint: string;
}

/** @returns `problem` completes "the key …" */
export function parsePublicKey(text: string): PublicKey | { problem: string } {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY/.test(text))
    return {
      problem:
        "is a private key, which is known to whoever reads this file: make another, and write its public half here",
    };
  if (text.includes("-----BEGIN PGP")) {
    const key = parseOpenPgpKey(text);
    return "problem" in key ? key : { format: "openpgp", ...key };
  }
  const [, type, base64 = ""] = sshKey.exec(text.trim()) ?? [];
  const blob = Buffer.from(base64, "base64");
  if (type === undefined || blob.subarray(4, 4 + type.length).toString() !== type)
    return { problem: "is none of SSH, such as `ssh-ed25519 AAAA…`, and no armoured block of OpenPGP" };
  return { format: "ssh", fingerprint: sshFingerprint(blob) };
}

const sshKey =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-[a-z0-9-]+@openssh\.com) ([A-Za-z0-9+/]+={0,2})(?: [^\r\n]*)?$/;

/**
 * The fingerprint of a private key of SSH in the form that ssh-keygen writes, in which its public half stands in the clear. It may be
 * in base64. Source: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key
 * @returns `undefined`: another form, which only the tool that signs can read
 */
export function privateKeyFingerprint(text: string): string | undefined {
  const plain = text.trim().startsWith("-----BEGIN") ? text : Buffer.from(text.trim(), "base64").toString();
  const [, base64] = /-----BEGIN OPENSSH PRIVATE KEY-----([\w+/=\s]+)-----END/.exec(plain) ?? [];
  const bytes = Buffer.from(base64 ?? "", "base64");
  const magic = "openssh-key-v1\0";
  if (bytes.subarray(0, magic.length).toString() !== magic) return undefined;
  // The cipher, how its key is derived, and with what; then how many keys there are.
  const afterCipher = [1, 2, 3].reduce((offset) => offset + 4 + lengthAt(bytes, offset), magic.length);
  const start = afterCipher + 8;
  const blob = bytes.subarray(start, start + lengthAt(bytes, start - 4));
  return blob.length === 0 ? undefined : sshFingerprint(blob);
}

function lengthAt(bytes: Buffer, offset: number): number {
  return offset + 4 <= bytes.length ? bytes.readUInt32BE(offset) : 0;
}

function sshFingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Both kinds of keys, by name. */
export function allKeys({ keys, others }: SigningKeys): Readonly<Record<string, string>> {
  return { ...others, ...keys };
}

/** A key that the stack file lists. The stack file has been checked: each can be read. */
export interface ListedKey extends PublicKey {
  readonly name: string;
  readonly text: string;
}

export function listedKeys(keys: Readonly<Record<string, string>>): readonly ListedKey[] {
  return Object.entries(keys).flatMap(([name, text]) => {
    const key = parsePublicKey(text);
    return "problem" in key ? [] : [{ name, text: text.trim(), ...key }];
  });
}

/**
 * As Argo CD names a key: the last 16 digits of its fingerprint. It checks OpenPGP alone.
 * @returns `undefined` if one of these is another kind of key
 */
export function argoCdKeys(keys: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  const listed = listedKeys(keys);
  if (listed.some(({ format }) => format !== "openpgp")) return undefined;
  return Object.fromEntries(listed.map(({ fingerprint, text }) => [fingerprint.slice(-16), `${text}\n`]));
}

/** Their names there, if Argo CD can check the commits on the branch. */
export function argoCdKeyIds(signing: SigningKeys): readonly string[] | undefined {
  const keys = argoCdKeys(allKeys(signing));
  return keys && Object.keys(keys);
}

/** The same keys, whoever names them how and in which order. */
export function describeKeys({ keys, others }: SigningKeys): readonly string[] {
  const line = (key: ListedKey): string => `${key.name} ${key.fingerprint}`;
  return [...listedKeys(keys), ...listedKeys(others)].map(line).toSorted();
}
