import { createHash } from "node:crypto";
import { locateImages } from "../../core/image-name.ts";
import { backoff, retry } from "../../core/retry.ts";
import { CommandError } from "../command.ts";
import { UnreachableRegistryError } from "./fetch-with-retry.ts";
import { manifestTypes } from "./manifest.ts";
import { RegistryRefusal, registrySession, type RegistryActions, type RegistryOptions } from "./session.ts";

export const manifestType = "application/vnd.oci.image.manifest.v1+json";

/** No bundle is larger: the SBOM of 20,000 packages has some 8 MB. */
const largestBlob = 64 * 2 ** 20;

/** How long a layer may take, in milliseconds: a minute, and what it takes at 1 MB a second. */
function transferTime(bytes: number): number {
  return 60_000 + Math.ceil(bytes / 1_000);
}

/** What registries know content by. */
export interface ContentDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
}

/** A manifest as a registry holds it. */
export interface StoredManifest extends ContentDescriptor {
  readonly content: Buffer<ArrayBuffer>;
}

type Blob = Pick<ContentDescriptor, "digest" | "size">;

/** Reads and writes the manifests and blobs of one repository. */
export interface ContentStore {
  /** As in image names, e.g. `docker.io/acme/shop-link`. */
  readonly repository: string;
  /**
   * @param reference a tag or digest @returns `undefined`: the registry does not have it
   * @throws CommandError where a digest leads to something else
   */
  manifest(reference: string): Promise<StoredManifest | undefined>;
  /** @throws CommandError where the registry has lost it, or gives something else */
  blob(blob: Blob): Promise<Buffer<ArrayBuffer>>;
  /** A blob of any size, bit by bit; what does not fit its digest ends in a CommandError. */
  openBlob(blob: Blob): Promise<ReadableStream<Uint8Array>>;
  hasBlob(digest: string): Promise<boolean>;
  /** Writes nothing where the registry has it. */
  putBlob(content: Buffer<ArrayBuffer>): Promise<void>;
  /** The same for one of another repository. @returns whether it was missing */
  copyBlob(blob: Blob, from: ContentStore): Promise<boolean>;
  /** @param reference a tag, or the digest of the content */
  putManifest(reference: string, manifest: Pick<StoredManifest, "mediaType" | "content">): Promise<void>;
}

export interface ContentOptions extends RegistryOptions {
  /** What the login is asked for. @default pull,push */
  readonly actions?: RegistryActions;
}

/** @param repository as in image names, e.g. `docker.io/acme/shop-link` */
export function contentStore(repository: string, options: ContentOptions): ContentStore {
  const { actions = "pull,push" } = options;
  const session = registrySession(options);
  const image = locateImages(repository);
  const base = `/v2/${image.name}`;

  async function hasBlob(digest: string): Promise<boolean> {
    // A registry may send us on to its storage, whose address is signed for another method than ours.
    const request = { method: "HEAD", accept: "*/*", redirect: "manual", actions } as const;
    const response = await session(image, `${base}/blobs/${digest}`, request);
    await response?.body?.cancel();
    return response !== undefined;
  }

  /** Where a blob is to be uploaded to. */
  async function uploadUrl(digest: string): Promise<string> {
    const upload = await session(image, `${base}/blobs/uploads/`, { method: "POST", actions });
    await upload?.body?.cancel();
    const location = upload?.headers.get("location") ?? null;
    if (location === null) throw new CommandError(`${repository}: the registry does not say where to upload to`);
    const url = new URL(location, image.url);
    url.searchParams.set("digest", digest);
    return url.href;
  }

  function assertTaken(response: Response | undefined): void {
    if (response === undefined)
      throw new CommandError(`${repository}: the registry does not take what is to be written (404)`);
  }

  function lost({ digest }: Blob, how: "has lost it" | "gives something else"): CommandError {
    return new CommandError(`${repository}@${digest}: the registry ${how}`);
  }

  async function* checked(body: AsyncIterable<Uint8Array>, blob: Blob): AsyncGenerator<Uint8Array> {
    const hash = createHash("sha256");
    let length = 0;
    for await (const chunk of body) {
      hash.update(chunk);
      length += chunk.length;
      if (length > blob.size) throw lost(blob, "gives something else");
      yield chunk;
    }
    if (`sha256:${hash.digest("hex")}` !== blob.digest) throw lost(blob, "gives something else");
  }

  return {
    repository,
    hasBlob,
    async manifest(reference) {
      const response = await session(image, `${base}/manifests/${reference}`, { accept: manifestTypes, actions });
      if (response === undefined) return undefined;
      const content = Buffer.from(await response.arrayBuffer());
      const mediaType = response.headers.get("content-type")?.split(";")[0]?.trim() ?? manifestType;
      if (reference.startsWith("sha256:") && digestOf(content) !== reference)
        throw new CommandError(`${repository}@${reference}: the registry gives something else`);
      return { content, digest: digestOf(content), size: content.length, mediaType };
    },
    async blob({ digest, size }) {
      if (size > largestBlob) throw new CommandError(`${repository}@${digest}: has ${size} bytes, too many`);
      const response = await session(image, `${base}/blobs/${digest}`, { accept: "*/*", actions });
      const content = response === undefined ? undefined : Buffer.from(await response.arrayBuffer());
      if (content !== undefined && digestOf(content) === digest) return content;
      throw lost({ digest, size }, content === undefined ? "has lost it" : "gives something else");
    },
    async openBlob(blob) {
      const limits = { timeout: transferTime(blob.size) };
      const response = await session(image, `${base}/blobs/${blob.digest}`, { accept: "*/*", actions, limits });
      if (response === undefined) throw lost(blob, "has lost it");
      return ReadableStream.from(checked(response.body ?? emptyBody(), blob));
    },
    async putBlob(content) {
      const digest = digestOf(content);
      if (await hasBlob(digest)) return;
      const body = { type: "application/octet-stream", content };
      const response = await session(image, await uploadUrl(digest), { method: "PUT", body, actions });
      await response?.body?.cancel();
      assertTaken(response);
    },
    async copyBlob(blob, from) {
      if (await hasBlob(blob.digest)) return false;
      const upload = async (): Promise<void> => {
        const body = { type: "application/octet-stream", size: blob.size, open: async () => from.openBlob(blob) };
        // What was half written to one address is begun anew at another.
        const limits = { timeout: transferTime(blob.size) };
        const url = await uploadUrl(blob.digest);
        const response = await session(image, url, { method: "PUT", body, actions, limits });
        await response?.body?.cancel();
        assertTaken(response);
      };
      await retry(upload, {
        pauses: backoff(options.limits?.retries ?? 3, 1_000, options.limits?.longestPause),
        isTransient: (error) =>
          error instanceof UnreachableRegistryError || (error instanceof RegistryRefusal && error.status >= 500),
      });
      return true;
    },
    async putManifest(reference, { mediaType, content }) {
      const body = { type: mediaType, content };
      const response = await session(image, `${base}/manifests/${reference}`, { method: "PUT", body, actions });
      await response?.body?.cancel();
      assertTaken(response);
    },
  };
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

export function digestOf(content: Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
