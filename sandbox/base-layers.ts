import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { run } from "./cluster/command.ts";

/** What every image has: busybox under all its names, the users root and nobody, and this machine's certificate authorities. */
export async function systemLayer(busybox: string, work: string): Promise<string> {
  const root = join(work, "system");
  for (const folder of ["bin", "etc/ssl/certs", "root", "tmp", "var/tmp", "go/bin", "go/src"])
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
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  const authorities = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"].find((path) =>
    existsSync(path),
  );
  if (authorities !== undefined)
    cpSync(authorities, join(root, "etc/ssl/certs/ca-certificates.crt"), { dereference: true });
  return archive(root, join(work, "system.tar.gz"), []);
}

/** The Go distribution without its own tests and the sources of its commands: they are half of its size, and building programs does not read them. */
export function goLayer(root: string, work: string): Promise<string> {
  const left = ["./test", "./api", "./doc", "./misc", "./src/cmd", "testdata", "*_test.go"].map(
    (pattern) => `--exclude=${pattern}`,
  );
  // Distributions make GOROOT of symbolic links to other folders.
  return archive(root, join(work, "go.tar.gz"), ["--dereference", ...left, "--transform=s,^\\.,./usr/local/go,"]);
}

/** BuildKit's frontend for Dockerfiles. */
export async function frontendLayer(frontend: string, work: string): Promise<string> {
  const root = join(work, "frontend");
  mkdirSync(join(root, "bin"), { recursive: true });
  copyFileSync(frontend, join(root, "bin/dockerfile-frontend"));
  chmodSync(join(root, "bin/dockerfile-frontend"), 0o755);
  return archive(root, join(work, "frontend.tar.gz"), []);
}

async function archive(root: string, path: string, args: readonly string[]): Promise<string> {
  const settings = [
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mtime=@0",
    "--sort=name",
    "--use-compress-program=gzip -1",
  ];
  await run("tar", ["--create", "--file", path, ...settings, "--directory", root, ...args, "."], {
    timeoutSeconds: 300,
  });
  return path;
}
