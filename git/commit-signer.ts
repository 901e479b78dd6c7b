import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrorCode } from "../core/error.ts";
import { runProcess, type ProcessOptions } from "../core/process.ts";
import { GitError, type Git } from "./git-command.ts";
import { DeployRepositoryError } from "./git-failure.ts";
import {
  allKeys,
  listedKeys,
  parsePublicKey,
  signingKeyVariable,
  type PublicKey,
  type Signing,
  type SigningKeys,
} from "./signing-keys.ts";
import type { GitSetting } from "./user-settings.ts";

/** What Git has to know beforehand to sign and to check in its directory. Nothing of it is secret. */
export function signingEnvironment(
  directory: string,
  signing: Signing,
): { settings: readonly GitSetting[]; environment: Readonly<Record<string, string>> } {
  const text = privateKeyOf(signing);
  return {
    settings: [
      ["gpg.format", text !== undefined && isOpenPgp(text) ? "openpgp" : "ssh"],
      ["gpg.ssh.allowedSignersFile", join(directory, "allowed-signers")],
    ],
    environment: { GNUPGHOME: join(directory, "gnupg") },
  };
}

/**
 * Makes a signed commit by `git commit-tree`. The private key is in a file for only as long as that takes.
 * @param git with the settings of `signingEnvironment`
 * @param args of `git commit-tree`, without those of the signature
 * @throws DeployRepositoryError if there is no key, or none that the stack file lists, or it cannot sign
 */
export async function signCommit(
  git: Git,
  directory: string,
  signing: Signing,
  args: readonly string[],
  message: string,
): Promise<string> {
  const text = privateKeyOf(signing);
  if (text === undefined)
    throw refused(
      `commits are to be signed (gitops.signing of the stack file), and ${signingKeyVariable} is not set; set it to the private key of the environment, which its context at CircleCI has`,
    );
  const key = isOpenPgp(text) ? openPgpKey(directory) : sshKey(directory);
  try {
    const opened = await key.open(text);
    assertListed(opened.fingerprint, signing);
    return (await git(["commit-tree", `-S${opened.id}`, ...args], message)).toString().trim();
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (/unsupported value for gpg\.format/.test(error.output))
      throw refused("Git 2.34 or newer signs with a key of SSH; update it");
    if (!/failed to (sign|write commit)|gpg failed|cannot run (gpg|ssh-keygen)/i.test(error.output)) throw error;
    throw refused(
      `the commit could not be signed with the key ${signingKeyVariable}; Git says: ${error.output.trim()}`,
    );
  } finally {
    await key.close();
  }
}

/** A private key that can be used: how Git names it. */
interface OpenedKey {
  readonly id: string;
  readonly fingerprint: string;
}

interface PrivateKey {
  readonly open: (text: string) => Promise<OpenedKey>;
  readonly close: () => Promise<void>;
}

function sshKey(directory: string): PrivateKey {
  const file = join(directory, "signing-key");
  return {
    open: async (text) => {
      writeFileSync(file, `${text.trim()}\n`, { mode: 0o600 });
      const { code, stdout } = await runSigner("ssh-keygen", ["-y", "-P", "", "-f", file]);
      const key: PublicKey | { problem: string } = code === 0 ? parsePublicKey(stdout.toString()) : { problem: "" };
      if ("problem" in key)
        throw refused(
          `${signingKeyVariable} is no private key of SSH that can be used without a passphrase; ${hint.ssh}`,
        );
      return { id: file, fingerprint: key.fingerprint };
    },
    close: async () => rmSync(file, { force: true }),
  };
}

function openPgpKey(directory: string): PrivateKey {
  const home = join(directory, "gnupg");
  const options = { env: { ...process.env, GNUPGHOME: home, LC_ALL: "C" } };
  return {
    open: async (text) => {
      prepareGnuPg(home);
      const imported = await runSigner("gpg", ["--batch", "--quiet", "--import"], {
        ...options,
        input: `${text.trim()}\n`,
      });
      const listed = await runSigner("gpg", ["--batch", "--with-colons", "--list-secret-keys"], options);
      const lines = listed.stdout
        .toString()
        .split("\n")
        .map((line) => line.split(":"));
      const [, validity, , , , , expires] = lines.find(([type]) => type === "sec") ?? [];
      const fingerprint = lines.find(([type]) => type === "fpr")?.[9];
      if (imported.code !== 0 || fingerprint === undefined)
        throw refused(`${signingKeyVariable} is no private key of OpenPGP that GnuPG can read; ${hint.openpgp}`);
      if (validity === "e")
        throw refused(
          `the key ${fingerprint} of ${signingKeyVariable} has expired on ${day(expires)}; extend it (\`gpg --quick-set-expire\`), and write it anew into the secret and into gitops.signing of the stack file`,
        );
      return { id: fingerprint, fingerprint };
    },
    close: async () => {
      rmSync(join(home, "private-keys-v1.d"), { recursive: true, force: true });
      // It has the key in its memory, and would outlive us.
      await runProcess("gpgconf", ["--kill", "all"], options).catch(() => undefined);
    },
  };
}

/** A home of GnuPG that trusts what is imported there: nothing but what the stack file lists is. */
export function prepareGnuPg(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(join(home, "gpg.conf"), "trust-model always\n");
}

const hint = {
  ssh: "make one with `ssh-keygen -t ed25519 -N ''`",
  openpgp: "give it as `gpg --armor --export-secret-keys` prints it, without a passphrase",
} as const;

function assertListed(fingerprint: string, { keys, others }: SigningKeys): void {
  const known = listedKeys(allKeys({ keys, others }));
  if (known.some((key) => key.fingerprint === fingerprint)) return;
  const names = known.map((key) => `${key.name} (${key.fingerprint})`).join(", ");
  throw refused(
    `${signingKeyVariable} is the key ${fingerprint}, and gitops.signing of the stack file lists ${names}; set the private key of one of these, or list this one and run \`pulumi up\``,
  );
}

function privateKeyOf({ privateKey }: Signing): string | undefined {
  const text = (privateKey ?? process.env[signingKeyVariable] ?? "").trim();
  if (text === "" || text.startsWith("-----BEGIN")) return text || undefined;
  return Buffer.from(text, "base64").toString().trim();
}

function isOpenPgp(text: string): boolean {
  return text.startsWith("-----BEGIN PGP");
}

/** @throws DeployRepositoryError if it is not there */
export async function runSigner(program: "ssh-keygen" | "gpg", args: readonly string[], options?: ProcessOptions) {
  return runProcess(program, args, { timeoutSeconds: 60, ...options }).catch((error: unknown) => {
    if (!hasErrorCode(error, "ENOENT")) throw error;
    const packages = { "ssh-keygen": "OpenSSH's client (openssh-client)", gpg: "GnuPG (gnupg)" }[program];
    throw refused(`${program}, with which commits are signed and checked, is not there; install ${packages}`);
  });
}

function refused(reason: string): DeployRepositoryError {
  return new DeployRepositoryError(`${reason}; nothing was changed`);
}

function day(seconds: string | undefined): string {
  return new Date(Number(seconds) * 1000).toISOString().slice(0, 10);
}
