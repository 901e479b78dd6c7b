import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../../../core/atomic-file.ts";
import { rootMessage } from "../../../../core/error.ts";
import { retry } from "../../../../core/retry.ts";
import type { MirrorAnswer } from "./answer.ts";
import { readNpmSettings, type NpmSettings } from "./npm-settings.ts";

/** What of a request matters besides its path. */
interface NpmRequest {
  readonly accept: string;
  /** Where the mirror is for who asks. */
  readonly address: string;
}

/** A package's document, as far as the mirror reads it. Source: https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md */
const documentSchema = z.looseObject({
  versions: z.record(z.string(), z.looseObject({ dist: z.looseObject({ tarball: z.string() }) })),
});
type PackageDocument = z.infer<typeof documentSchema>;
const storedSchema = z.object({ etag: z.string().optional(), document: documentSchema });

/** npm's request for what an installation needs of a document, without readmes. */
const abbreviated = "application/vnd.npm.install-v1+json";
/** Milliseconds for which a document counts without a question, as npm's registry has it. */
const freshFor = 5 * 60_000;
const timeoutMilliseconds = 300_000;
/** Milliseconds. */
const pauses = [500, 2_000];

/**
 * Serves packages of the registry that this machine's npm uses. A tarball is got once. The document that lists a package's
 * versions is asked for again after a while, and served as it was where the registry does not answer.
 *
 * @param folder where both are kept
 * @returns answers the path below the mirror's address; `undefined`: it is no path of a package
 */
export function npmMirror(
  folder: string,
  log: (line: string) => void,
): (path: string, request: NpmRequest) => Promise<MirrorAnswer | undefined> {
  let settings: Promise<NpmSettings> | undefined;
  return async (path, { accept, address }) => {
    const [, name = "", tarball] = /^((?:@[\w.~-]+\/)?[\w.~-]+)(?:\/-\/([\w.~+-]+\.tgz))?$/.exec(path) ?? [];
    if (/^\.|\/\./.test(path) || name === "") return undefined;
    // Asked for when the first package is: it takes npm a while, and most builds need none.
    settings ??= readNpmSettings();
    const registry = openRegistry(folder, await settings, name, log);
    if (tarball !== undefined)
      return { content: { file: await registry.tarball(tarball) }, type: "application/octet-stream" };
    const { versions, ...rest } = await registry.document(accept.includes(abbreviated));
    const local = Object.entries(versions).map(([version, manifest]) => {
      const { dist } = manifest;
      return [version, { ...manifest, dist: { ...dist, tarball: `${address}/${name}/-/${fileName(dist.tarball)}` } }];
    });
    return { content: JSON.stringify({ ...rest, versions: Object.fromEntries(local) }), type: "application/json" };
  };
}

interface PackageRegistry {
  /** @returns path of the file */
  readonly tarball: (file: string) => Promise<string>;
  readonly document: (isAbbreviated: boolean) => Promise<PackageDocument>;
}

/** The registry that has a package, and what is kept of that package. */
function openRegistry(
  folder: string,
  settings: NpmSettings,
  name: string,
  log: (line: string) => void,
): PackageRegistry {
  const registry = settings.registryOf(name);
  // Another registry may have something else under the same name.
  const packageFolder = join(folder, createHash("sha256").update(registry).digest("hex").slice(0, 16), name);
  const fileOfDocument = (isAbbreviated: boolean): string =>
    join(packageFolder, isAbbreviated ? "document-abbreviated.json" : "document.json");
  const get = (url: string, headers: Record<string, string> = {}): Promise<Response> => {
    const authorization = settings.authorizationFor(url);
    return fetchWithRetry(url, authorization === undefined ? headers : { ...headers, authorization });
  };

  return {
    tarball: async (file) => {
      const path = join(packageFolder, file);
      if (existsSync(path)) return path;
      // A few registries have their tarballs elsewhere than npm's own.
      const listed = [true, false]
        .flatMap((isAbbreviated) => Object.values(readStored(fileOfDocument(isAbbreviated))?.document.versions ?? {}))
        .map(({ dist }) => dist.tarball)
        .find((url) => fileName(url) === file);
      log(`npm: getting ${name}/-/${file}`);
      const response = await get(listed ?? `${registry}${name}/-/${file}`);
      if (!response.ok) throw new Error(`the registry answers ${response.status} for ${name}/-/${file}`);
      writeFileAtomically(path, Buffer.from(await response.arrayBuffer()));
      return path;
    },
    document: async (isAbbreviated) => {
      const path = fileOfDocument(isAbbreviated);
      const stored = readStored(path);
      if (stored !== undefined && Date.now() - statSync(path).mtimeMs < freshFor) return stored.document;
      try {
        const response = await get(`${registry}${name.replace("/", "%2f")}`, {
          accept: isAbbreviated ? `${abbreviated}, application/json` : "application/json",
          ...(stored?.etag === undefined ? {} : { "if-none-match": stored.etag }),
        });
        if (stored !== undefined && response.status === 304) {
          utimesSync(path, new Date(), new Date());
          return stored.document;
        }
        if (!response.ok) throw new Error(`the registry answers ${response.status} for ${name}`);
        log(`npm: getting ${name}`);
        const document = documentSchema.parse(await response.json());
        const etag = response.headers.get("etag") ?? undefined;
        writeFileAtomically(path, JSON.stringify({ etag, document }));
        return document;
      } catch (error) {
        if (stored === undefined) throw error;
        log(`npm: ${name} as it was before: ${rootMessage(error)}`);
        return stored.document;
      }
    },
  };
}

function readStored(path: string): z.infer<typeof storedSchema> | undefined {
  return existsSync(path) ? storedSchema.parse(JSON.parse(readFileSync(path, "utf8"))) : undefined;
}

function fileName(url: string): string {
  return basename(new URL(url).pathname);
}

/** Tries again what may pass by itself: no answer, or the server's own failure. */
function fetchWithRetry(url: string, headers: Record<string, string>): Promise<Response> {
  const attempt = async (isLast: boolean): Promise<Response> => {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMilliseconds) });
    if (response.status >= 500 && !isLast) throw new Error(`the registry answers ${response.status}`);
    return response;
  };
  return retry((number) => attempt(number > pauses.length), { pauses });
}
