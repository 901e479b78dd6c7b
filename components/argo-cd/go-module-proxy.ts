import { strFromU8, unzipSync } from "fflate";
import { downloadBytes, type DownloadOptions } from "../../core/download.ts";

/** A file in a Go module whose versions are the releases of a product. */
export interface GoModuleFile {
  /** Without upper-case letters, which the protocol escapes, e.g. `github.com/argoproj/argo-cd/v3`. */
  readonly path: string;
  /** In the module, e.g. `manifests/install.yaml`. */
  readonly file: string;
}

/** Bytes: the proxies' own limit on a module. Source: https://go.dev/ref/mod#zip-path-size-constraints */
const limit = 500 * 2 ** 20;

/**
 * A file of a release from the Go module proxy, which keeps each version of a module as it was.
 * Source: https://go.dev/ref/mod#goproxy-protocol
 * @returns `undefined` where it cannot be had
 */
export async function readFromModule(
  { path, file }: GoModuleFile,
  version: string,
  options: DownloadOptions = {},
): Promise<string | undefined> {
  const proxy = moduleProxy(process.env["GOPROXY"]);
  if (proxy === undefined) return undefined;
  try {
    const archive = await downloadBytes(`${proxy}/${path}/@v/v${version}.zip`, { ...options, limit, timeout: 300_000 });
    const member = `${path}@v${version}/${file}`;
    const found = unzipSync(archive, { filter: ({ name }) => name === member })[member];
    return found && strFromU8(found);
  } catch {
    // The message is about the project's own address, with which somebody can do something.
    return undefined;
  }
}

/** The first proxy that a list such as `https://goproxy.example,direct` names. */
export function moduleProxy(list: string | undefined): string | undefined {
  const entries = (list || "https://proxy.golang.org").split(/[,|]/).map((entry) => entry.trim());
  return entries.find((entry) => /^https?:\/\//.test(entry))?.replace(/\/+$/, "");
}
