import { describe, expect, test } from "vitest";
import { argoCdKeyIds, argoCdKeys, describeKeys, parsePublicKey, signedBranch } from "../../../git/signing-keys.ts";
import { sampleGpgKey, sampleSshKey } from "../../support/sample-keys.ts";

const fingerprint = sampleGpgKey.fingerprint;

test("a key of SSH has the fingerprint that ssh-keygen shows, with or without a comment", () => {
  const key = { format: "ssh", fingerprint: sampleSshKey.fingerprint };
  expect(parsePublicKey(sampleSshKey.text)).toEqual(key);
  expect(parsePublicKey(`${sampleSshKey.text} ada@example.com\n`)).toEqual(key);
});

test("a key of OpenPGP has the fingerprint that GnuPG shows, however its block is written", () => {
  const key = { format: "openpgp", fingerprint };
  expect(parsePublicKey(sampleGpgKey.text)).toEqual(key);
  expect(parsePublicKey(sampleGpgKey.text.replaceAll("\n", "\r\n"))).toEqual(key);
  expect(parsePublicKey(sampleGpgKey.text.replace("\n\n", "\nComment: ours\nVersion: GnuPG v2\n\n"))).toEqual(key);
});

test.each([
  ["nothing", "", /^is none of SSH/],
  ["a word", "hunter2", /^is none of SSH/],
  ["another type than it says", sampleSshKey.text.replace("ssh-ed25519", "ssh-rsa"), /^is none of SSH/],
  ["two lines", `${sampleSshKey.text}\n${sampleSshKey.text}`, /^is none of SSH/],
  ["options before it", `cert-authority ${sampleSshKey.text}`, /^is none of SSH/],
  ["a private key of SSH", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", /^is a private key, which is known/],
  ["a private key of OpenPGP", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n", /^is a private key, which is known/],
  ["a block without its end", sampleGpgKey.text.split("\n").slice(0, 6).join("\n"), /^is no armoured block/],
  [
    "a block that lacks a line",
    sampleGpgKey.text.split("\n").toSpliced(3, 1).join("\n"),
    /^is (cut off or damaged|of version)/,
  ],
  ["two keys in one block", twice(sampleGpgKey.text), /^is 2 keys in one block; write each/],
  ["a key of version 6", ofVersion(6), /^is of version 6; Argo CD and GnuPG 2\.2 know version 4/],
  ["a message", sampleGpgKey.text.replaceAll("PUBLIC KEY BLOCK", "MESSAGE"), /^is no armoured block/],
])("%s is no public key", (_what, text, problem) => {
  expect(parsePublicKey(text)).toEqual({ problem: expect.stringMatching(problem) });
});

describe("Argo CD", () => {
  const signing = { keys: { prod: sampleGpgKey.text }, others: {} };

  test("names a key by the end of its fingerprint", () => {
    expect(argoCdKeyIds(signing)).toEqual([fingerprint.slice(-16)]);
    expect(argoCdKeys(signing.keys)).toEqual({ [fingerprint.slice(-16)]: `${sampleGpgKey.text.trim()}\n` });
  });

  test("cannot check a branch with keys of SSH", () => {
    expect(argoCdKeyIds({ ...signing, others: { dev: sampleSshKey.text } })).toBeUndefined();
  });
});

test("who may sign is told by name and fingerprint, in an order of its own", () => {
  const keys = { keys: { prod: sampleSshKey.text }, others: { dev: sampleGpgKey.text } };
  expect(describeKeys(keys)).toEqual([`dev ${fingerprint}`, `prod ${sampleSshKey.fingerprint}`]);
});

test("a private key without public ones signs nothing", () => {
  expect(signedBranch({ repository: "r", signingKey: "k" })).toEqual({ repository: "r" });
});

function bytes(text: string): Buffer {
  return Buffer.from(
    text
      .split("\n")
      .filter((line) => /^[A-Za-z0-9+/]+=*$/.test(line))
      .join(""),
    "base64",
  );
}

function armoured(content: Buffer): string {
  const lines = content.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${lines.join("\n")}\n-----END PGP PUBLIC KEY BLOCK-----\n`;
}

function twice(text: string): string {
  return armoured(Buffer.concat([bytes(text), bytes(text)]));
}

function ofVersion(version: number): string {
  const content = Buffer.from(bytes(sampleGpgKey.text));
  content[2] = version;
  return armoured(content);
}
