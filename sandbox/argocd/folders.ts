import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createHash } from "node:crypto";

/** Paths of what Argo CD is made of. */
export interface ArgoCdTools {
  argocd: string;
  "git-ask-pass": string;
  redis: string;
  kustomize: string;
  /** Folder with files of Argo CD's source, under their paths there. */
  "argocd-files": string;
}

/** Where the parts of Argo CD keep what a container would have in its own file system. */
export interface ArgoCdFolders {
  /** For PATH: Argo CD under the names of its parts, and what its repo server calls. */
  bin: string;
  home: string;
  temporary: string;
  /** Known hosts, certificates and keys of repositories; none here. */
  ssh: string;
  tls: string;
  gpgSource: string;
  gpgKeys: string;
  plugins: string;
  /** Where Git's helper asks the repo server for credentials. */
  askPassSocket: string;
}

/** The kernel's limit of the path of a Unix socket, in bytes. */
const socketPathLimit = 107;

/** Makes the folders, and the links to the tools anew: their paths change with their versions. */
export function prepareFolders(stateDir: string, tools: ArgoCdTools): ArgoCdFolders {
  const base = join(stateDir, "argocd");
  const of = (name: string): string => join(base, name);
  const folders = {
    bin: of("bin"),
    home: of("home"),
    temporary: of("tmp"),
    ssh: of("ssh"),
    tls: of("tls"),
    gpgSource: of("gpg-source"),
    gpgKeys: of("gpg-keys"),
    plugins: of("plugins"),
  };
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folders.ssh, "ssh_known_hosts"), "");
  const script = (name: string): string => join(tools["argocd-files"], "hack", name);
  for (const target of [tools.kustomize, script("git-verify-wrapper.sh"), script("gpg-wrapper.sh")]) {
    link(target, join(folders.bin, basename(target)));
  }
  // The repo server tells Git to ask "argocd", whose place a helper takes that starts faster.
  link(tools["git-ask-pass"], join(folders.bin, "argocd"));
  for (const part of ["argocd-repo-server", "argocd-application-controller"]) link(tools.argocd, join(folders.bin, part));
  return { ...folders, askPassSocket: socketPath(base) };
}

function link(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function socketPath(base: string): string {
  const usual = join(base, "ask-pass.sock");
  if (Buffer.byteLength(usual) <= socketPathLimit) return usual;
  const folder = join(tmpdir(), `delivery-sandbox-${createHash("sha256").update(base).digest("hex").slice(0, 8)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, "ask-pass.sock");
}
