import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { prepareGnuPg, runSigner } from "./commit-signer.ts";
import type { Git } from "./git-command.ts";
import { allKeys, listedKeys, type SigningKeys } from "./signing-keys.ts";

/** What is wrong with the signature of a commit; it completes "the commit …". `undefined`: it is signed as it should be. */
export type SignatureProblem = string | undefined;

/**
 * Checks the signatures of commits, by one process of Git.
 * @param git with the settings of `signingEnvironment`
 * @param directory the Git directory of `git`
 * @param accepted of the keys that the stack file lists, those that count
 */
export async function signatureProblems(
  git: Git,
  directory: string,
  signing: SigningKeys,
  accepted: Readonly<Record<string, string>>,
  commits: readonly string[],
): Promise<ReadonlyMap<string, SignatureProblem>> {
  if (commits.length === 0) return new Map();
  await prepareCheck(directory, allKeys(signing));
  const fingerprints = new Set(listedKeys(accepted).map(({ fingerprint }) => fingerprint));
  const format = ["%H", "%G?", "%GK", "%GF", "%GP"].join("%x1f");
  const output = await git(["log", "--no-walk=unsorted", "--stdin", `--format=${format}`], `${commits.join("\n")}\n`);
  return new Map(
    output
      .toString()
      .trim()
      .split("\n")
      .map((line) => {
        const [commit = "", status = "", key = "", fingerprint = "", primary = ""] = line.split("\u001F");
        const isAccepted = fingerprints.has(fingerprint) || fingerprints.has(primary);
        return [commit, problemOf(status, key === "" ? "" : ` ${key}`, isAccepted)];
      }),
  );
}

/** @param status as `%G?` of git-log(1) says it */
function problemOf(status: string, key: string, isAccepted: boolean): SignatureProblem {
  if (status === "N") return "is not signed";
  if (status === "B") return `has a signature of the key${key} that is not of this content`;
  if (status === "X" || status === "Y") return `is signed by the key${key}, which has expired`;
  if (status === "R") return `is signed by the key${key}, which was revoked`;
  if (status === "G" && isAccepted) return undefined;
  return `is signed by the key${key}, which gitops.signing.keys does not list`;
}

/** Whatever the machine's user trusts does not count. */
async function prepareCheck(directory: string, keys: Readonly<Record<string, string>>): Promise<void> {
  const listed = listedKeys(keys);
  const ssh = listed.filter(({ format }) => format === "ssh");
  const openpgp = listed.filter(({ format }) => format === "openpgp");
  const lines = ssh.map(({ name, text }) => `${name} namespaces="git" ${text}\n`);
  writeFileSync(join(directory, "allowed-signers"), lines.join(""));
  if (ssh.length > 0) await runSigner("ssh-keygen", ["-l", "-f", "/dev/null"]);
  const home = join(directory, "gnupg");
  prepareGnuPg(home);
  if (openpgp.length === 0) return;
  const input = openpgp.map(({ text }) => `${text}\n`).join("");
  const env = { ...process.env, GNUPGHOME: home, LC_ALL: "C" };
  await runSigner("gpg", ["--batch", "--quiet", "--no-autostart", "--import"], { env, input });
}
