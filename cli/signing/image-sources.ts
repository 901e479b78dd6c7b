import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { keptFiles } from "../../git/checkout-files.ts";
import { buildOf, type ImageSource } from "../affected/build-context.ts";
import { dockerfileSources } from "../affected/dockerfile.ts";
import { serviceGraph } from "../affected/graph.ts";
import type { Monorepo } from "../project/monorepo.ts";

/** What an image is built from, as its sources say. */
export interface ImageSources {
  readonly source: ImageSource;
  /** The files of the monorepo that the image depends on, as a change of them would build it anew: path → SHA-256 in hex. */
  readonly files: ReadonlyMap<string, string>;
  /** The images that its Dockerfile begins with or copies from, as they are named there. */
  readonly images: readonly string[];
  /** Reads one of the files. */
  readonly read: (path: string) => string;
}

/**
 * Finds what images are built from, by the rules by which changes are found, so that what is proved is what is rebuilt.
 * @returns by service; without files where the monorepo is in no checkout of Git
 */
export function imageSources(monorepo: Monorepo, services: ReadonlySet<string>): ReadonlyMap<string, ImageSources> {
  const { root } = monorepo;
  const all = keptFiles(root);
  const hashes = new Map<string, string | undefined>();
  const hashOf = (path: string): string | undefined => {
    if (!hashes.has(path)) hashes.set(path, fileHash(join(root, path)));
    return hashes.get(path);
  };
  const chosen = serviceGraph(monorepo).filter(({ service }) => services.has(service.name));
  return new Map(
    chosen.map(({ service, match }) => {
      const build = buildOf(root, service);
      const used = all.filter((path) => match(path)?.part === "image");
      const files = used.flatMap((path) => {
        const hash = hashOf(path);
        return hash === undefined ? [] : [[path, hash] as const];
      });
      const read = (path: string): string => readFileSync(join(root, path), "utf8");
      const dockerfile = dockerfileSources(readFileSync(service.dockerfile, "utf8"), build);
      return [service.name, { source: build, files: new Map(files), images: dockerfile.images, read }];
    }),
  );
}

/** @returns `undefined`: it is a directory, as submodules and some links are, or gone */
function fileHash(path: string): string | undefined {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("hex");
  } catch {
    return undefined;
  }
}
