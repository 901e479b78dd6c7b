import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { locateImages } from "../../core/image-name.ts";
import { parsedJson } from "../../core/json.ts";
import { allPages } from "../../core/pages.ts";
import { CommandError } from "../command.ts";
import { nextPage } from "./client.ts";
import { manifestTypes } from "./manifest.ts";
import { RegistryRefusal, registrySession, type RegistryActions, type RegistryOptions } from "./session.ts";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
const emptyType = "application/vnd.oci.empty.v1+json";

/** No bundle is larger: the SBOM of 20,000 packages has some 8 MB. */
const largestBlob = 64 * 2 ** 20;

const descriptorSchema = z.looseObject({
  mediaType: z.string().optional(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.number(),
});
const indexSchema = z.looseObject({ manifests: z.array(descriptorSchema) });

/** What registries know content by. */
export interface ContentDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** A manifest as a registry holds it. */
export interface StoredManifest extends ContentDescriptor {
  readonly content: Buffer<ArrayBuffer>;
}

/** What is attached to an image: one layer, in a manifest that names its subject. */
export interface Artifact {
  readonly type: string;
  readonly content: Buffer<ArrayBuffer>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Reads and writes what is attached to the images of one repository. */
export interface ArtifactStore {
  /** @returns `undefined`: the registry does not have it */
  manifest(reference: string): Promise<StoredManifest | undefined>;
  /** @throws CommandError where the registry has lost it, or gives something else */
  blob(descriptor: Pick<ContentDescriptor, "digest" | "size">): Promise<Buffer<ArrayBuffer>>;
  /** The manifests that are attached to a digest, as the registry lists them. */
  attached(digest: string): Promise<readonly ContentDescriptor[]>;
  /**
   * Attaches several at once: where the list is a tag, it is written once, so that writers have less time to lose each other's, and
   * a tag that nobody may change can be made. Reads back whether all are there.
   * @throws CommandError if they are not
   */
  attach(subject: ContentDescriptor, artifacts: readonly Artifact[]): Promise<void>;
}

interface StoreOptions extends RegistryOptions {
  /** What the login is asked for. @default pull,push */
  readonly actions?: RegistryActions;
  /** The pauses until what was attached must be in the list, in milliseconds. @default 0.1, 0.5 and 2 s */
  readonly pauses?: readonly number[];
}

/** @param repository as in image names, e.g. `docker.io/acme/shop-link` */
export function artifactStore(repository: string, options: StoreOptions): ArtifactStore {
  const { actions = "pull,push", pauses = [100, 500, 2_000] } = options;
  const session = registrySession(options);
  const image = locateImages(repository);
  const base = `/v2/${image.name}`;

  const manifest: ArtifactStore["manifest"] = async (reference) => {
    const response = await session(image, `${base}/manifests/${reference}`, { accept: manifestTypes, actions });
    if (response === undefined) return undefined;
    const content = Buffer.from(await response.arrayBuffer());
    const mediaType = response.headers.get("content-type")?.split(";")[0]?.trim() ?? manifestType;
    if (reference.startsWith("sha256:") && digestOf(content) !== reference)
      throw new CommandError(`${repository}@${reference}: the registry gives something else`);
    return { content, digest: digestOf(content), size: content.length, mediaType };
  };

  /** By the API; `undefined`: the registry does not have it. Source: the OCI distribution specification 1.1, "Listing Referrers". */
  async function listed(digest: string): Promise<readonly ContentDescriptor[] | undefined> {
    const missing: { api: boolean } = { api: false };
    const items = await allPages(
      `what is attached to ${repository}@${digest}`,
      `${base}/referrers/${digest}`,
      async (path) => {
        const response = await session(image, path, { accept: indexType, actions });
        // A registry that has the API answers with an empty list.
        if (response === undefined) missing.api = true;
        if (response === undefined) return { items: [], next: undefined };
        const index = indexSchema.safeParse(await response.json().catch(() => undefined));
        // A proxy in front of a registry may answer what it does not know by a page of its own.
        if (!index.success) missing.api = true;
        return { items: index.data?.manifests ?? [], next: nextPage(response, image) };
      },
    );
    return missing.api ? undefined : items.map(described);
  }

  /** The list that stands under a tag where the registry has no API for it. */
  async function tagged(digest: string): Promise<readonly z.infer<typeof descriptorSchema>[]> {
    const tag = referrersTag(digest);
    const found = await manifest(tag);
    if (found === undefined) return [];
    const index = indexSchema.safeParse(parsedJson(found.content.toString()));
    if (index.success) return index.data.manifests;
    throw new CommandError(
      `${repository}:${tag} is not the list of what is attached to ${digest}; find out who has written it, and delete the tag`,
    );
  }

  const attached: ArtifactStore["attached"] = async (digest) =>
    (await listed(digest)) ?? (await tagged(digest)).map(described);

  async function put(path: string, type: string, content: Buffer<ArrayBuffer>): Promise<void> {
    const response = await session(image, path, { method: "PUT", body: { type, content }, actions });
    await response?.body?.cancel();
    if (response === undefined)
      throw new CommandError(`${repository}: the registry does not take what is to be attached (404)`);
  }

  async function putBlob(content: Buffer<ArrayBuffer>): Promise<void> {
    const digest = digestOf(content);
    const known = await session(image, `${base}/blobs/${digest}`, {
      method: "HEAD",
      accept: "*/*",
      redirect: "manual",
      actions,
    });
    await known?.body?.cancel();
    if (known !== undefined) return;
    const upload = await session(image, `${base}/blobs/uploads/`, { method: "POST", actions });
    await upload?.body?.cancel();
    const location = upload?.headers.get("location") ?? null;
    if (location === null) throw new CommandError(`${repository}: the registry does not say where to upload to`);
    const url = new URL(location, image.url);
    url.searchParams.set("digest", digest);
    await put(url.href, "application/octet-stream", content);
  }

  async function putManifest(subject: ContentDescriptor, artifact: Artifact): Promise<ListedArtifact> {
    const layer = { mediaType: artifact.type, digest: digestOf(artifact.content), size: artifact.content.length };
    const content = jsonOf({
      schemaVersion: 2,
      mediaType: manifestType,
      artifactType: artifact.type,
      config: { mediaType: emptyType, digest: digestOf(empty), size: empty.length },
      layers: [layer],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
      annotations: artifact.annotations,
    });
    const digest = digestOf(content);
    await put(`${base}/manifests/${digest}`, manifestType, content);
    return {
      mediaType: manifestType,
      digest,
      size: content.length,
      artifactType: artifact.type,
      annotations: artifact.annotations,
    };
  }

  async function addToTag(subject: ContentDescriptor, added: readonly ListedArtifact[]): Promise<void> {
    const before = await tagged(subject.digest);
    const manifests = [...before, ...added.filter(({ digest }) => before.every((one) => one.digest !== digest))];
    const content = jsonOf({ schemaVersion: 2, mediaType: indexType, manifests });
    await put(`${base}/manifests/${referrersTag(subject.digest)}`, indexType, content).catch((error: unknown) => {
      if (error instanceof RegistryRefusal && error.status < 500 && before.length > 0)
        throw new CommandError(
          `${repository}:${referrersTag(subject.digest)} lists what is attached to the image, and the registry does not let it be changed (${error.message}); exempt tags that begin with sha256- from its immutable tags`,
          { cause: error },
        );
      throw error;
    });
  }

  return {
    manifest,
    attached,
    async blob({ digest, size }) {
      if (size > largestBlob) throw new CommandError(`${repository}@${digest}: has ${size} bytes, too many`);
      const response = await session(image, `${base}/blobs/${digest}`, { accept: "*/*", actions });
      const content = response === undefined ? undefined : Buffer.from(await response.arrayBuffer());
      if (content !== undefined && digestOf(content) === digest) return content;
      throw new CommandError(
        `${repository}@${digest}: the registry ${content === undefined ? "has lost it" : "gives something else"}`,
      );
    },
    async attach(subject, artifacts) {
      await Promise.all([empty, ...artifacts.map(({ content }) => content)].map(putBlob));
      const added: ListedArtifact[] = [];
      // One after the other: a registry with the API writes its list at each of them.
      for (const artifact of artifacts) added.push(await putManifest(subject, artifact));
      // Some registries answer as if they had the API, and have not: what counts is whether the list is there.
      const hasApi = (await listed(subject.digest)) !== undefined;
      for (const pause of [0, ...pauses]) {
        await sleep(pause);
        if (!hasApi && (await missingIn(subject, added)).length > 0) await addToTag(subject, added);
        if ((await missingIn(subject, added)).length === 0) return;
      }
      throw new CommandError(
        `${repository}@${subject.digest}: the registry does not list all that was attached, for others write there at the same time; run the same command again`,
      );
    },
  };

  async function missingIn(
    { digest }: ContentDescriptor,
    added: readonly ListedArtifact[],
  ): Promise<readonly ListedArtifact[]> {
    const known = new Set((await attached(digest)).map((descriptor) => descriptor.digest));
    return added.filter((artifact) => !known.has(artifact.digest));
  }
}

/** As lists have it, for people and for tools that choose by it. */
interface ListedArtifact extends ContentDescriptor {
  readonly artifactType: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const empty = Buffer.from("{}");

/** The tag of the list where the registry has no API for it. */
export function referrersTag(digest: string): string {
  return digest.replace(":", "-");
}

export function digestOf(content: Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

function described({ mediaType = manifestType, digest, size }: z.infer<typeof descriptorSchema>): ContentDescriptor {
  return { mediaType, digest, size };
}

function jsonOf(value: unknown): Buffer<ArrayBuffer> {
  return Buffer.from(JSON.stringify(value));
}
