import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { commitToBranch } from "../../../git/deploy-repository.ts";
import type { SigningKeys } from "../../../git/signing-keys.ts";
import { BareRepository } from "../../support/bare-repository.ts";
import { gpgKeyPair, sshKeyPair } from "../../support/signing-keys.ts";

const ssh = sshKeyPair();
const openpgp = gpgKeyPair();
const otherSsh = sshKeyPair();
const otherOpenPgp = gpgKeyPair();

let repository: BareRepository;
beforeEach(() => {
  repository = new BareRepository();
});
afterEach(() => {
  repository[Symbol.dispose]();
  vi.unstubAllEnvs();
});

const commit = (signing: SigningKeys & { privateKey?: string }, text = "a", seals = false) =>
  commitToBranch({ repository: repository.url, branch: "main", signing }, async () => ({
    write: { "dev/a.yaml": text },
    message: "change",
    seals,
  }));
const refusalOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "nothing was refused",
    (error: unknown) => String(error),
  );
/** A folder for PATH with Git alone. */
function gitAlone(): string {
  const folder = mkdtempSync(join(tmpdir(), "git-alone-"));
  symlinkSync(execFileSync("which", ["git"], { encoding: "utf8" }).trim(), join(folder, "git"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}
const left = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith(`delivery-git-${process.pid}-`));

describe.each([
  ["SSH", ssh, otherSsh, "BEGIN SSH SIGNATURE"],
  ["OpenPGP", openpgp, otherOpenPgp, "BEGIN PGP SIGNATURE"],
])("with a key of %s", (_format, pair, other, mark) => {
  const signing = { keys: { dev: pair.publicKey }, others: {}, privateKey: pair.privateKey };

  test("commits are signed, one on top of another, and nothing of the key stays on this machine", async () => {
    await commit(signing, "1");
    await commit(signing, "2");
    expect(repository.subjects()).toEqual(["change", "change"]);
    for (const revision of ["main", "main^"]) expect(repository.git("cat-file", "commit", revision)).toContain(mark);
    expect(left()).toEqual([]);
  });

  test("the key may come from the environment, in base64, as it lies in a context of CircleCI", async () => {
    vi.stubEnv("DELIVERY_SIGNING_KEY", Buffer.from(pair.privateKey).toString("base64"));
    await commit({ keys: { dev: pair.publicKey }, others: {} });
    expect(repository.git("cat-file", "commit", "main")).toContain(mark);
  });

  test("a key that the stack file does not list is refused before anything is pushed", async () => {
    const reason = await refusalOf(commit({ ...signing, privateKey: other.privateKey }));
    expect(reason).toMatch(/DELIVERY_SIGNING_KEY is the key \S+, and gitops\.signing of the stack file lists dev \(/);
    expect(reason).toMatch(/nothing was changed$/);
    expect(repository.branches()).toEqual([]);
  });

  test("nothing goes on top of a commit that is not signed, or by another key, but for one that vouches for it", async () => {
    repository.commit({ README: "by hand" });
    expect(await refusalOf(commit(signing))).toMatch(
      /commit \w{12}, the newest on branch main of file:\S+, is not signed; nothing was changed\. Look at what it does/,
    );
    await commit({ keys: { dev: other.publicKey }, others: {}, privateKey: other.privateKey }, "theirs", true);
    expect(await refusalOf(commit(signing))).toMatch(
      /is signed by the key \S+, which gitops\.signing\.keys does not list;/,
    );
    await commit(signing, "ours", true);
    await commit({ ...signing, others: { prod: other.publicKey } }, "more");
    expect(repository.subjects()).toEqual(["change", "change", "change", "by hand"]);
  });
});

test.each([
  ["is missing", "", /DELIVERY_SIGNING_KEY is not set; set it to the private key of the environment/],
  [
    "is none",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
    /is no private key of SSH/,
  ],
  [
    "is none of OpenPGP",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----",
    /is no private key of OpenPGP that GnuPG can read/,
  ],
  ["has a passphrase", sshKeyPair("hunter22").privateKey, /without a passphrase; make one with/],
  ["is no key at all", "hunter22", /is no private key of SSH/],
])("a key that %s is one clear error, without the key", async (_case, privateKey, reason) => {
  vi.stubEnv("DELIVERY_SIGNING_KEY", privateKey);
  const said = await refusalOf(commit({ keys: { dev: ssh.publicKey }, others: {} }));
  expect(said).toMatch(reason);
  expect(said).not.toContain("hunter22");
  expect(repository.branches()).toEqual([]);
});

test("a key that has expired is one clear error", async () => {
  const expired = gpgKeyPair("1d", "20250101T000000");
  const signing = { keys: { dev: expired.publicKey }, others: {}, privateKey: expired.privateKey };
  expect(await refusalOf(commit(signing))).toMatch(/has expired on 2025-01-02; extend it/);
  expect(repository.branches()).toEqual([]);
});

test.each([
  ["ssh-keygen", ssh, /ssh-keygen, with which commits are signed and checked, is not there; install OpenSSH's client/],
  ["gpg", openpgp, /gpg, with which commits are signed and checked, is not there; install GnuPG/],
])("a machine without %s gets one clear error", async (_program, pair, reason) => {
  vi.stubEnv("PATH", gitAlone());
  const signing = { keys: { dev: pair.publicKey }, others: {}, privateKey: pair.privateKey };
  expect(await refusalOf(commit(signing))).toMatch(reason);
});

test("the same proposal made again is not pushed again, though its signature is another one", async () => {
  repository.commit({ README: "by hand" });
  const signing = { keys: { dev: openpgp.publicKey }, others: {}, privateKey: openpgp.privateKey };
  const propose = () =>
    commitToBranch(
      { repository: repository.url, branch: "main", signing },
      async () => ({ write: { "dev/a.yaml": "a" }, message: "change", seals: true }),
      { pushTo: "proposal" },
    );
  const { commit: first } = await propose();
  expect((await propose()).commit).toBe(first);
  expect(repository.git("rev-parse", "proposal")).toBe(first);
  // Someone else's, without a signature, does not stand for it.
  const forged = repository.git(
    "-c",
    "user.name=a",
    "-c",
    "user.email=a@b",
    "commit-tree",
    "proposal^{tree}",
    "-p",
    "main",
    "-m",
    "change",
  );
  repository.git("update-ref", "refs/heads/proposal", forged);
  expect((await propose()).commit).not.toBe(forged);
});

test("settings of the user for signatures do not count", async () => {
  vi.stubEnv("GIT_CONFIG_COUNT", "2");
  vi.stubEnv("GIT_CONFIG_KEY_0", "gpg.ssh.program");
  vi.stubEnv("GIT_CONFIG_VALUE_0", "/bin/false");
  vi.stubEnv("GIT_CONFIG_KEY_1", "commit.gpgSign");
  vi.stubEnv("GIT_CONFIG_VALUE_1", "true");
  await commit({ keys: { dev: ssh.publicKey }, others: {}, privateKey: ssh.privateKey });
  expect(repository.git("cat-file", "commit", "main")).toContain("BEGIN SSH SIGNATURE");
});
