import { createHash } from "node:crypto";
import type { Language } from "./model.ts";
import type { GeneratedImage, Snapshot } from "./repository.ts";

/**
 * The services whose images differ between two commits: by a hash of what each image is made of, as the generator of the
 * repository knows that. It reads no Dockerfile and no import, and shares no code with the product.
 *
 * An image is made of its Dockerfile, its ignore file, and of what its Dockerfile copies and the ignore file lets in:
 * - what is compiled, if only that is handed over: the code of all that is needed, and what all builds read,
 * - of what is kept as it is, the service's own directory, what is copied by name, and of a copy of everything what is needed,
 * - all of it, where the commands read all that is there.
 */
export function changedImages(language: Language, from: Snapshot, to: Snapshot): Set<string> {
  const before = new Map(from.images.map((image) => [image.service.name, hashOf(language, image, from)]));
  return new Set(
    to.images
      .filter((image) => before.get(image.service.name) !== hashOf(language, image, to))
      .map(({ service }) => service.name),
  );
}

function hashOf(language: Language, image: GeneratedImage, { files }: Snapshot): string {
  const hash = createHash("sha256");
  for (const path of [...files.keys()].toSorted())
    if (isPart(language, image, path)) hash.update(`${path}\0${files.get(path)}\0`);
  return hash.digest("hex");
}

function isPart(language: Language, image: GeneratedImage, path: string): boolean {
  const { service, needed, copies, keeps, readsAll = false, reads = [], hides } = image;
  const dockerfile = `${service.directory}/Dockerfile`;
  if (path === dockerfile || path === `${dockerfile}.dockerignore`) return true;
  if (hides?.(path) === true) return false;
  const copied = copies.filter((copy) => copy === "" || path === copy || path.startsWith(`${copy}/`));
  if (copied.length === 0) return false;
  if (readsAll || reads.includes(path)) return true;
  if (keeps && (copied.some((copy) => copy !== "") || path.startsWith(`${service.directory}/`))) return true;
  const unit = needed.find(({ directory }) => path.startsWith(`${directory}/`));
  if (unit !== undefined) {
    const within = path.slice(unit.directory.length + 1);
    return !within.startsWith("Dockerfile") && language.compiles(within);
  }
  return language.isCommon(path) || needed.some(({ shares }) => shares.some((file) => path === `shared/${file}.json`));
}
