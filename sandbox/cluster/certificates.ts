import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { writePrivate } from "./files.ts";
import { signCertificate, type CertificateRequest } from "./x509.ts";

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
  const issue = (file: string, request: Wanted): KeyPair => ensure(folder, file, request, authority);
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

type Wanted = Omit<CertificateRequest, "publicKey" | "notBefore" | "notAfter">;

function ensure(folder: string, file: string, wanted: Wanted, authority?: KeyPair): KeyPair {
  const pair = { certificate: join(folder, `${file}.crt`), key: join(folder, `${file}.key`) };
  if (isUsable(pair, wanted, authority)) return pair;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signer = authority ? createPrivateKey(readFileSync(authority.key)) : privateKey;
  const now = Date.now();
  // A day of slack before: guests and hosts of virtual machines disagree about the time.
  const certificate = signCertificate(
    { ...wanted, publicKey, notBefore: new Date(now - day), notAfter: new Date(now + 3650 * day) },
    { commonName: authorityName, privateKey: signer },
  );
  writeKey(pair.key, privateKey);
  writePrivate(pair.certificate, certificate);
  return pair;
}

function isUsable(pair: KeyPair, wanted: Wanted, authority?: KeyPair): boolean {
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
      (wanted.subjectAltNames ?? []).every((entry) => covered.includes(entry))
    );
  } catch {
    // A file cut short by a full disk or a kill: made anew.
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
