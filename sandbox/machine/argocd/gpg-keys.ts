import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../../core/atomic-file.ts";
import { which } from "../which.ts";

/**
 * Keeps the public keys of the installation in files, as the kubelet mounts a ConfigMap: the repo server reads them from there,
 * and watches which are added and removed.
 * @throws Error where there is nothing that could check a signature by them
 */
export function keepGpgKeys({ gpgSource }: { gpgSource: string }, keys: Readonly<Record<string, string>>): void {
  const ids = Object.keys(keys);
  if (ids.length > 0 && which("gpg") === undefined)
    throw new Error("commits are to be signed with OpenPGP, and this machine has no gpg; install GnuPG (gnupg)");
  const present = readdirSync(gpgSource);
  for (const name of present) if (!ids.includes(name)) rmSync(join(gpgSource, name), { force: true });
  for (const id of ids) if (!present.includes(id)) writeFileAtomically(join(gpgSource, id), keys[id] ?? "", 0o600);
}
