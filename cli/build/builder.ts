import { locateImages } from "../image-name.ts";
import type { ImageBuild } from "./image-build.ts";

/** The process that makes an image. */
export interface BuilderCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** A client of BuildKit. Its progress is plain text on standard error. */
export interface Builder {
  /** What it speaks to, for messages. */
  readonly daemon: string;
  /** @param metadataFile where it writes the digest of a pushed image */
  command(build: ImageBuild, metadataFile: string): BuilderCommand;
}

/** Where the layers of earlier builds are kept: beside the images, since that needs no other place and login. */
export function cacheReference(repository: string): string {
  return `${repository}:buildcache`;
}

/** All stages are kept, in the only form that every registry takes; an image is worth more than its cache. */
export const cacheExport = { mode: "max", "image-manifest": "true", "oci-mediatypes": "true", "ignore-error": "true" };

/** Docker speaks plain HTTP with registries on this machine; BuildKit must be told. */
export function insecure(repository: string): Record<string, string> {
  return locateImages(repository).url.startsWith("http:") ? { "registry.insecure": "true" } : {};
}

/** A line of comma-separated values, as BuildKit's clients read them. */
export function fields(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(",");
}
