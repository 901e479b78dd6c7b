import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
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
  for (const part of ["argocd-repo-server", "argocd-application-controller", "argocd-applicationset-controller"])
    link(tools.argocd, join(folders.bin, part));
  const askPassSocket = socketPath(base);
  mkdirSync(dirname(askPassSocket), { recursive: true, mode: 0o700 });
  return { ...folders, askPassSocket };
}

/** Removes everything that Argo CD keeps on this machine. */
export function removeFolders(stateDir: string): void {
  const base = join(stateDir, "argocd");
  // The repo server takes away all rights to a clone that it does not use at the moment, even its own.
  const clones = join(base, "tmp", "_argocd-repo");
  if (existsSync(clones)) {
    chmodSync(clones, 0o700);
    for (const clone of readdirSync(clones)) chmodSync(join(clones, clone), 0o700);
  }
  rmSync(base, { recursive: true, force: true });
  const socket = socketPath(base);
  if (!socket.startsWith(base)) rmSync(dirname(socket), { recursive: true, force: true });
}

function link(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function socketPath(base: string): string {
  const usual = join(base, "ask-pass.sock");
  if (Buffer.byteLength(usual) <= socketPathLimit) return usual;
  return join(
    tmpdir(),
    `delivery-sandbox-${createHash("sha256").update(base).digest("hex").slice(0, 8)}`,
    "ask-pass.sock",
  );
}
