import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureCertificates, type KeyPair } from "../../../../../sandbox/machine/cluster/certificates.ts";

const names = { apiServer: ["localhost", "kubernetes.default.svc", "127.0.0.1", "10.96.0.1"], kubelet: ["10.64.0.2"] };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "certificates-test-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("ensureCertificates", () => {
  test("signs all certificates with its authority", () => {
    const made = ensureCertificates(folder, names);
    const authority = read(made.authority);
    expect(authority.ca).toBe(true);
    for (const pair of [made.apiServer, made.kubelet, made.kubeletClient, made.etcd]) {
      expect(read(pair).verify(authority.publicKey)).toBe(true);
      expect(read(pair).checkIssued(authority)).toBe(true);
      expect(read(pair).ca).toBe(false);
    }
  });

  test("names the addresses and the purpose", () => {
    const made = ensureCertificates(folder, names);
    expect(read(made.apiServer).subjectAltName).toBe(
      "DNS:localhost, DNS:kubernetes.default.svc, IP Address:127.0.0.1, IP Address:10.96.0.1",
    );
    // X509Certificate calls the extended key usage "keyUsage": TLS server, TLS client.
    const [server, client] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];
    expect(read(made.apiServer).keyUsage).toEqual([server]);
    expect(read(made.kubeletClient).keyUsage).toEqual([client]);
    expect(read(made.etcd).keyUsage).toEqual([server, client]);
    expect(read(made.kubeletClient).subject).toBe("O=system:masters\nCN=kube-apiserver");
  });

  test("keeps what is there", () => {
    ensureCertificates(folder, names);
    const before = contents();
    ensureCertificates(folder, names);
    expect(contents()).toEqual(before);
  });

  test("makes a certificate anew when an address is missing, and keeps the authority", () => {
    const made = ensureCertificates(folder, names);
    const [authority, apiServer, kubelet] = [made.authority, made.apiServer, made.kubelet].map(fingerprint);
    const again = ensureCertificates(folder, { ...names, kubelet: ["10.65.0.2"] });
    expect([again.authority, again.apiServer].map(fingerprint)).toEqual([authority, apiServer]);
    expect(fingerprint(again.kubelet)).not.toBe(kubelet);
  });

  test("makes all anew when the authority is lost, and a broken file alone", () => {
    const made = ensureCertificates(folder, names);
    const apiServer = fingerprint(made.apiServer);
    rmSync(made.authority.key);
    expect(fingerprint(ensureCertificates(folder, names).apiServer)).not.toBe(apiServer);
    const authority = fingerprint(made.authority);
    writeFileSync(made.etcd.certificate, "-----BEGIN CERT");
    expect(fingerprint(ensureCertificates(folder, names).authority)).toBe(authority);
    expect(read(made.etcd).verify(read(made.authority).publicKey)).toBe(true);
  });

  test("keeps the keys from other users", () => {
    ensureCertificates(folder, names);
    const keys = readdirSync(folder).filter((name) => name.endsWith(".key"));
    expect(keys).toHaveLength(6);
    expect(keys.map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual(keys.map(() => 0o600));
  });

  test("serves TLS that a client with the authority accepts", async () => {
    const { apiServer, authority } = ensureCertificates(folder, names);
    const server = createServer(
      { cert: readFileSync(apiServer.certificate), key: readFileSync(apiServer.key) },
      (_, response) => response.end("ok"),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const status = await new Promise((resolve, reject) => {
      get({ host: "127.0.0.1", port, ca: readFileSync(authority.certificate), agent: false }, (response) =>
        resolve(response.resume().statusCode),
      ).on("error", reject);
    });
    server.close();
    expect(status).toBe(200);
  });
});

function read(pair: KeyPair): X509Certificate {
  return new X509Certificate(readFileSync(pair.certificate));
}

function fingerprint(pair: KeyPair): string {
  return read(pair).fingerprint256;
}

function contents(): string[] {
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
}
