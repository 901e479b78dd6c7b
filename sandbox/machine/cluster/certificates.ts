import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { join } from "node:path";
import { writePrivate } from "../private-file.ts";

/** A certificate and its private key, as paths of PEM files. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/** All key material of one cluster, as paths. */
export interface Certificates {
  authority: KeyPair;
  apiServer: KeyPair;
  /** What the API server shows to the kubelet. */
  kubeletClient: KeyPair;
  /** What the kubelet shows to the API server. */
  kubelet: KeyPair;
  /** Both ends of the connection between API server and etcd. */
  etcd: KeyPair;
  serviceAccount: { privateKey: string; publicKey: string };
}

const authorityName = "delivery-sandbox";
const day = 24 * 60 * 60 * 1000;

/**
 * Makes what is missing, and what has expired or no longer covers the addresses; keeps the rest.
 *
 * @param folder where the files are, private keys with mode 0600
 * @param names under which the API server and the kubelet are called: DNS names and IPv4 addresses
 */
export function ensureCertificates(
  folder: string,
  names: { apiServer: readonly string[]; kubelet: readonly string[] },
): Certificates {
  const authority = ensure(folder, "ca", { commonName: authorityName, role: "authority" });
  const issue = (file: string, request: DesiredCertificate): KeyPair => ensure(folder, file, request, authority);
  return {
    authority,
    apiServer: issue("apiserver", { commonName: "kube-apiserver", role: "server", subjectAltNames: names.apiServer }),
    kubeletClient: issue("apiserver-kubelet-client", {
      commonName: "kube-apiserver",
      organization: "system:masters",
      role: "client",
    }),
    kubelet: issue("kubelet", { commonName: "kubelet", role: "server", subjectAltNames: names.kubelet }),
    etcd: issue("etcd", { commonName: "etcd", role: "both", subjectAltNames: ["127.0.0.1"] }),
    serviceAccount: ensureServiceAccountKeys(folder),
  };
}

type DesiredCertificate = Omit<CertificateRequest, "publicKey" | "notBefore" | "notAfter">;

function ensure(folder: string, file: string, desired: DesiredCertificate, authority?: KeyPair): KeyPair {
  const pair = { certificate: join(folder, `${file}.crt`), key: join(folder, `${file}.key`) };
  if (isUsable(pair, desired, authority)) return pair;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signer = authority ? createPrivateKey(readFileSync(authority.key)) : privateKey;
  const now = Date.now();
  // A day of slack before: guests and hosts of virtual machines disagree about the time.
  const certificate = signCertificate(
    { ...desired, publicKey, notBefore: new Date(now - day), notAfter: new Date(now + 3650 * day) },
    { commonName: authorityName, privateKey: signer },
  );
  writeKey(pair.key, privateKey);
  writePrivate(pair.certificate, certificate);
  return pair;
}

function isUsable(pair: KeyPair, desired: DesiredCertificate, authority?: KeyPair): boolean {
  if (!existsSync(pair.certificate) || !existsSync(pair.key)) return false;
  try {
    const certificate = new X509Certificate(readFileSync(pair.certificate));
    const signer = authority ? new X509Certificate(readFileSync(authority.certificate)) : certificate;
    const covered =
      certificate.subjectAltName?.split(", ").map((entry) => entry.replace(/^(DNS|IP Address):/, "")) ?? [];
    return (
      certificate.checkPrivateKey(createPrivateKey(readFileSync(pair.key))) &&
      certificate.verify(signer.publicKey) &&
      Date.parse(certificate.validTo) > Date.now() + 30 * day &&
      (desired.subjectAltNames ?? []).every((entry) => covered.includes(entry))
    );
  } catch {
    // A file that a full disk has cut short is replaced.
    return false;
  }
}

function ensureServiceAccountKeys(folder: string): Certificates["serviceAccount"] {
  const paths = { privateKey: join(folder, "service-account.key"), publicKey: join(folder, "service-account.pub") };
  if (!existsSync(paths.privateKey))
    writeKey(paths.privateKey, generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
  const publicKey = createPublicKey(createPrivateKey(readFileSync(paths.privateKey)));
  writePrivate(paths.publicKey, publicKey.export({ type: "spki", format: "pem" }).toString());
  return paths;
}

function writeKey(path: string, key: KeyObject): void {
  writePrivate(path, key.export({ type: "pkcs8", format: "pem" }).toString());
}

/** What a certificate says. */
interface CertificateRequest {
  commonName: string;
  /** Kubernetes reads it as the user's group. */
  organization?: string;
  publicKey: KeyObject;
  /** DNS names and IPv4 addresses under which a server is called. */
  subjectAltNames?: readonly string[];
  role: "authority" | "server" | "client" | "both";
  notBefore: Date;
  notAfter: Date;
}

/** Who signs: the authority's name and its private key (P-256). */
interface Issuer {
  commonName: string;
  privateKey: KeyObject;
}

// Node's crypto module reads certificates but cannot make them, and the libraries that can bring some twenty packages for
// the few fields that follow. The numbers are tags and object identifiers of RFC 5280 and X.690 (DER).
const oid = {
  commonName: [0x55, 0x04, 0x03],
  organization: [0x55, 0x04, 0x0a],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  keyUsage: [0x55, 0x1d, 0x0f],
  subjectAltName: [0x55, 0x1d, 0x11],
  basicConstraints: [0x55, 0x1d, 0x13],
  extendedKeyUsage: [0x55, 0x1d, 0x25],
  serverAuth: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
  clientAuth: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02],
} as const;

/** Makes an X.509 v3 certificate signed with ECDSA and SHA-256, as PEM. */
function signCertificate(request: CertificateRequest, issuer: Issuer): string {
  const algorithm = sequence(objectId(oid.ecdsaWithSha256));
  const content = sequence(
    element(0xa0, integer(Buffer.from([2]))),
    // A serial number is a positive integer: the first bit stays clear, the second is set so that no byte is redundant.
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    algorithm,
    distinguishedName(issuer.commonName),
    sequence(time(request.notBefore), time(request.notAfter)),
    distinguishedName(request.commonName, request.organization),
    request.publicKey.export({ type: "spki", format: "der" }),
    element(0xa3, sequence(...extensions(request))),
  );
  const signature = sign("sha256", content, issuer.privateKey);
  const certificate = sequence(content, algorithm, bitString(signature));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function extensions(request: CertificateRequest): Buffer[] {
  const isAuthority = request.role === "authority";
  // Key usage bits: 0 digitalSignature, 5 keyCertSign, 6 cRLSign; written with the count of unused bits before them.
  const usage = isAuthority ? element(0x03, Buffer.from([1, 0x06])) : element(0x03, Buffer.from([7, 0x80]));
  const purposes = {
    authority: [],
    server: [objectId(oid.serverAuth)],
    client: [objectId(oid.clientAuth)],
    both: [objectId(oid.serverAuth), objectId(oid.clientAuth)],
  }[request.role];
  const names = (request.subjectAltNames ?? []).map((entry) =>
    isIPv4(entry)
      ? element(0x87, Buffer.from(entry.split(".").map(Number)))
      : element(0x82, Buffer.from(entry, "ascii")),
  );
  return [
    extension(oid.basicConstraints, true, isAuthority ? sequence(element(0x01, Buffer.from([0xff]))) : sequence()),
    extension(oid.keyUsage, true, usage),
    ...(purposes.length > 0 ? [extension(oid.extendedKeyUsage, false, sequence(...purposes))] : []),
    ...(names.length > 0 ? [extension(oid.subjectAltName, false, sequence(...names))] : []),
  ];
}

function extension(id: readonly number[], critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(critical ? [element(0x01, Buffer.from([0xff]))] : []), element(0x04, value));
}

function distinguishedName(commonName: string, organization?: string): Buffer {
  const part = (id: readonly number[], text: string): Buffer =>
    element(0x31, sequence(objectId(id), element(0x0c, Buffer.from(text, "utf8"))));
  return sequence(
    ...(organization === undefined ? [] : [part(oid.organization, organization)]),
    part(oid.commonName, commonName),
  );
}

function time(date: Date): Buffer {
  // UTCTime (YYMMDDHHMMSSZ) is what RFC 5280 asks for before 2050, GeneralizedTime after.
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  return date.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(digits.slice(2)))
    : element(0x18, Buffer.from(digits));
}

function sequence(...parts: Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

function integer(value: Buffer): Buffer {
  return element(0x02, value);
}

function objectId(bytes: readonly number[]): Buffer {
  return element(0x06, Buffer.from(bytes));
}

function bitString(value: Buffer): Buffer {
  return element(0x03, Buffer.concat([Buffer.from([0]), value]));
}

function element(tag: number, value: Buffer): Buffer {
  const short = value.length < 0x80;
  const size = Buffer.from(value.length.toString(16).padStart(value.length < 0x100 ? 2 : 4, "0"), "hex");
  const length = short ? Buffer.from([value.length]) : Buffer.concat([Buffer.from([0x80 | size.length]), size]);
  return Buffer.concat([Buffer.from([tag]), length, value]);
}
