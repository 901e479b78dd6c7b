import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A pair of keys, as a stack has them. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

export function sshKeyPair(passphrase = ""): KeyPair {
  const directory = mkdtempSync(join(tmpdir(), "ssh-keys-"));
  try {
    const file = join(directory, "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", file]);
    return { privateKey: readFileSync(file, "utf8"), publicKey: readFileSync(`${file}.pub`, "utf8").trim() };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** @param expires as `gpg --quick-generate-key` takes it @param made as `--faked-system-time` takes it. @default now */
export function gpgKeyPair(expires = "never", made?: string): KeyPair {
  const home = mkdtempSync(join(tmpdir(), "gpg-keys-"));
  const time = made === undefined ? [] : ["--faked-system-time", made];
  const gpg = (...args: string[]): string =>
    execFileSync("gpg", ["--batch", "--quiet", "--homedir", home, ...time, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  try {
    gpg("--passphrase", "", "--quick-generate-key", "delivery <delivery@localhost>", "ed25519", "sign", expires);
    return { privateKey: gpg("--armor", "--export-secret-keys"), publicKey: gpg("--armor", "--export") };
  } finally {
    execFileSync("gpgconf", ["--homedir", home, "--kill", "all"]);
    rmSync(home, { recursive: true, force: true });
  }
}
