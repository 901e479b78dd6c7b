import { createHash } from "node:crypto";
import { locateImages, type ImageLocation } from "../../core/image-name.ts";
import { allPages } from "../../core/pages.ts";
import { blobsOf, isImage, manifestTypes, platformImages, type ManifestContent } from "./manifest.ts";
import { registrySession, type RegistryOptions } from "./session.ts";

/** What the commands ask a registry. Repositories are written as in image names, e.g. `docker.io/acme/shop-link`. */
export interface Registry {
  /** All tags; none if the repository is not there. */
  tags(repository: string): Promise<string[]>;
  /** The digest of a tag or digest; `undefined`: the registry does not have it. */
  digest(repository: string, reference: string): Promise<string | undefined>;
  /** When the image was built, by its own account; `undefined`: it does not say, or there is no image. */
  created(repository: string, reference: string): Promise<Date | undefined>;
  /** The image of a tag or digest; `undefined`: there is none, or it is a build cache or another artifact that cannot run. */
  image(repository: string, reference: string): Promise<RegistryImage | undefined>;
  /** What of an image the registry has lost, e.g. `the blob sha256:…`; nothing: it can be pulled. */
  missingParts(repository: string, reference: string): Promise<string[]>;
}

export interface RegistryImage {
  readonly digest: string;
  /** When it was built, by its own account. */
  readonly created: Date | undefined;
}

/** Asks registries, by the Docker Registry HTTP API v2. */
export function registryClient(options: RegistryOptions): Registry {
  const request = registrySession(options);

  async function manifest(
    image: ImageLocation,
    reference: string,
  ): Promise<{ digest: string; content: ManifestContent } | undefined> {
    const response = await request(image, `/v2/${image.name}/manifests/${reference}`, { accept: manifestTypes });
    if (response === undefined) return undefined;
    const bytes = Buffer.from(await response.arrayBuffer());
    const digest =
      response.headers.get("docker-content-digest") ?? `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    // The accepted types all have this shape.
    return { digest, content: JSON.parse(bytes.toString()) as ManifestContent };
  }

  return {
    async tags(repository) {
      const image = locateImages(repository);
      const first = `/v2/${image.name}/tags/list?n=1000`;
      return allPages(`the tags of ${image.host}/${image.name}`, first, async (address) => {
        const response = await request(image, address);
        if (response === undefined) return { items: [], next: undefined };
        // The API defines the answer so.
        const page = (await response.json()) as { tags?: string[] | null };
        return { items: page.tags ?? [], next: nextPage(response, image) };
      });
    },
    async digest(repository, reference) {
      const image = locateImages(repository);
      // Docker Hub does not count these as pulls.
      const response = await request(image, `/v2/${image.name}/manifests/${reference}`, {
        method: "HEAD",
        accept: manifestTypes,
      });
      if (response === undefined) return undefined;
      return response.headers.get("docker-content-digest") ?? (await manifest(image, reference))?.digest;
    },
    created: async (repository, reference) => (await imageOf(locateImages(repository), reference))?.created,
    image: (repository, reference) => imageOf(locateImages(repository), reference),
    async missingParts(repository, reference) {
      const image = locateImages(repository);
      const top = await manifest(image, reference);
      if (top === undefined) return ["all of it"];
      const children = platformImages(top.content);
      const images = await Promise.all(children.map(async (child) => ({ child, found: await manifest(image, child) })));
      const blobs = [top, ...images.map(({ found }) => found)].flatMap((each) =>
        each === undefined ? [] : blobsOf(each.content),
      );
      const lost = await Promise.all(
        [...new Set(blobs)].map(async (blob) => ((await hasBlob(image, blob)) ? [] : [`the blob ${blob}`])),
      );
      return [
        ...images.flatMap(({ child, found }) => (found === undefined ? [`the manifest ${child}`] : [])),
        ...lost.flat(),
      ];
    },
  };

  async function imageOf(image: ImageLocation, reference: string): Promise<RegistryImage | undefined> {
    const top = await manifest(image, reference);
    if (top === undefined) return undefined;
    const [child] = platformImages(top.content);
    const content = child === undefined ? top.content : (await manifest(image, child))?.content;
    if (content?.config === undefined || !isImage(content)) return undefined;
    const response = await request(image, `/v2/${image.name}/blobs/${content.config.digest}`);
    // A config blob is an object; the time in it is optional.
    const { created = "" } = response === undefined ? {} : ((await response.json()) as { created?: string });
    const time = new Date(created);
    return { digest: top.digest, created: Number.isNaN(time.getTime()) ? undefined : time };
  }

  /** A registry may send us on to its storage, whose address is signed for another method than ours. */
  async function hasBlob(image: ImageLocation, digest: string): Promise<boolean> {
    const path = `/v2/${image.name}/blobs/${digest}`;
    const response = await request(image, path, { method: "HEAD", accept: "*/*", redirect: "manual" });
    await response?.body?.cancel();
    return response !== undefined;
  }
}

/** The path of the next page of a list, as the registry names it. */
export function nextPage(response: Response, image: ImageLocation): string | undefined {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
  if (link === undefined) return undefined;
  const { pathname, search } = new URL(link, image.url);
  return `${pathname}${search}`;
}
