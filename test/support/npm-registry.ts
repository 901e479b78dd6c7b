import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A package of npm's, as text files. */
export type PackageFiles = Readonly<Record<string, string>>;

/** A registry that says of its packages what it is told to, for npm itself to install from. */
export class NpmRegistry implements AsyncDisposable {
  readonly #packages = new Map<string, { tarball: Buffer; hasInstallScript: boolean }>();
  /** The tarballs that were asked for. */
  readonly fetched: string[] = [];
  readonly #server: Server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "").slice(1);
    const [name = "", file] = path.split("/-/");
    const found = this.#packages.get(name);
    if (found === undefined) return response.writeHead(404).end("{}");
    if (file !== undefined) {
      this.fetched.push(name);
      return response.writeHead(200, { "content-type": "application/octet-stream" }).end(found.tarball);
    }
    const dist = { integrity: integrityOf(found.tarball), tarball: `${this.url}/${name}/-/${name}-1.0.0.tgz` };
    const version = { name, version: "1.0.0", dist, hasInstallScript: found.hasInstallScript };
    return response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ name, "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } }));
  });

  static async start(): Promise<NpmRegistry> {
    const registry = new NpmRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  get url(): string {
    // A server that listens on a port has an address of this form.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Publishes version 1.0.0 of a package, in place of what is there. Returns its integrity, as lock files have it. */
  publish(name: string, files: PackageFiles, scripts?: Readonly<Record<string, string>>): string {
    const manifest = { name, version: "1.0.0", ...(scripts === undefined ? {} : { scripts }) };
    const tarball = tarballOf({ ...files, "package.json": JSON.stringify(manifest) });
    this.#packages.set(name, { tarball, hasInstallScript: scripts !== undefined });
    return integrityOf(tarball);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** The lock file of a program that takes these packages, and nothing else. */
export function lockFile(integrities: Readonly<Record<string, string>>): { manifest: string; lock: string } {
  const names = Object.keys(integrities);
  const root = {
    name: "program",
    version: "1.0.0",
    dependencies: Object.fromEntries(names.map((name) => [name, "1.0.0"])),
  };
  const packages = Object.fromEntries(
    names.map((name) => [`node_modules/${name}`, { version: "1.0.0", integrity: integrities[name] }]),
  );
  return {
    manifest: JSON.stringify({ ...root, scripts: { prepare: "touch prepared" } }),
    lock: JSON.stringify({ ...root, lockfileVersion: 3, requires: true, packages: { "": root, ...packages } }),
  };
}

export function tarballOf(files: PackageFiles): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "npm-package-"));
  try {
    mkdirSync(join(directory, "package"));
    for (const [path, content] of Object.entries(files)) writeFileSync(join(directory, "package", path), content);
    return execFileSync("tar", ["--create", "--gzip", "--directory", directory, "package"]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export function integrityOf(tarball: Buffer): string {
  return `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
}
