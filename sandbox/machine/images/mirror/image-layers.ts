import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "../../command.ts";

/** What a layer is made from: a folder, and further arguments for tar. */
export interface LayerFiles {
  readonly folder: string;
  readonly tarArguments: readonly string[];
}

const users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
const groups = "root:x:0:\nnogroup:x:65534:\n";

/** What every image has: busybox under all its names, the users root and nobody, and this machine's certificate authorities. */
export async function systemLayer(busybox: string, work: string): Promise<LayerFiles> {
  const root = join(work, "system");
  for (const folder of ["bin", "etc/ssl/certs", "root", "tmp", "var/tmp"])
    mkdirSync(join(root, folder), { recursive: true });
  for (const folder of ["tmp", "var/tmp"]) chmodSync(join(root, folder), 0o1777);
  copyFileSync(busybox, join(root, "bin/busybox"));
  chmodSync(join(root, "bin/busybox"), 0o755);
  for (const applet of (await run(busybox, ["--list-full"]))
    .split("\n")
    .filter((name) => name !== "" && name !== "bin/busybox")) {
    mkdirSync(dirname(join(root, applet)), { recursive: true });
    symlinkSync("/bin/busybox", join(root, applet));
  }
  writeFileSync(join(root, "etc/passwd"), users);
  writeFileSync(join(root, "etc/group"), groups);
  const authorities = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"].find((path) =>
    existsSync(path),
  );
  if (authorities !== undefined)
    cpSync(authorities, join(root, "etc/ssl/certs/ca-certificates.crt"), { dereference: true });
  return { folder: root, tarArguments: [] };
}

/** The Go distribution without its own tests and the sources of its commands: they are half of its size, and building programs does not read them. */
export function goLayer(root: string): LayerFiles {
  const left = ["./test", "./api", "./doc", "./misc", "./src/cmd", "testdata", "*_test.go"].map(
    (pattern) => `--exclude=${pattern}`,
  );
  // Distributions make GOROOT of symbolic links to other folders.
  return { folder: root, tarArguments: ["--dereference", ...left, "--transform=s,^\\.,./usr/local/go,"] };
}

/**
 * Node.js of this machine with the libraries that it is linked to, npm, and the user that images of Node.js have.
 *
 * @param npm folder of its package
 */
export async function nodeLayer(node: string, npm: string, work: string): Promise<LayerFiles> {
  const root = join(work, "node");
  for (const folder of ["etc", "home/node", "usr/local/bin", "usr/local/lib/node_modules"])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(node, join(root, "usr/local/bin/node"));
  for (const library of await linkedLibraries(node)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
  cpSync(npm, join(root, "usr/local/lib/node_modules/npm"), { recursive: true });
  for (const name of ["npm", "npx"])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, "usr/local/bin", name));
  writeFileSync(join(root, "etc/passwd"), `${users}node:x:1000:1000::/home/node:/bin/sh\n`);
  writeFileSync(join(root, "etc/group"), `${groups}node:x:1000:\n`);
  // All files of a layer are root's, and npm has its cache there.
  chmodSync(join(root, "home/node"), 0o777);
  return { folder: root, tarArguments: [] };
}

/** Paths of the libraries that the system's loader finds for a program, the loader among them. */
async function linkedLibraries(program: string): Promise<string[]> {
  const lines = (await run("ldd", [program])).split("\n");
  return lines.flatMap((line) => /(?:=> |^\s*)(\/\S+) \(/.exec(line)?.[1] ?? []);
}

/** BuildKit's frontend for Dockerfiles. */
export function frontendLayer(frontend: string, work: string): LayerFiles {
  const root = join(work, "frontend");
  mkdirSync(join(root, "bin"), { recursive: true });
  copyFileSync(frontend, join(root, "bin/dockerfile-frontend"));
  chmodSync(join(root, "bin/dockerfile-frontend"), 0o755);
  return { folder: root, tarArguments: [] };
}
