import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { locateImages } from "../../core/image-name.ts";
import { parsedJson } from "../../core/json.ts";
import { allPages } from "../../core/pages.ts";
import { CommandError } from "../command.ts";
import { nextPage } from "./client.ts";
import {
  contentStore,
  digestOf,
  manifestType,
  type ContentDescriptor,
  type ContentOptions,
  type ContentStore,
  type StoredManifest,
} from "./content.ts";
import { RegistryRefusal, registrySession } from "./session.ts";

const indexType = "application/vnd.oci.image.index.v1+json";
const emptyType = "application/vnd.oci.empty.v1+json";

const descriptorSchema = z.looseObject({
  mediaType: z.string().optional(),
  digest: z.string(),
  size: z.number(),
});
const indexSchema = z.looseObject({ manifests: z.array(descriptorSchema) });

/** What is attached to an image: one layer, in a manifest that names its subject. */
export interface Artifact {
  readonly type: string;
  readonly content: Buffer<ArrayBuffer>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Reads and writes what is attached to the images of one repository. */
export interface ArtifactStore extends ContentStore {
  /** The manifests that are attached to a digest, as the registry lists them. */
  attached(digest: string): Promise<readonly ContentDescriptor[]>;
  /**
   * Attaches several at once: where the list is a tag, it is written once, so that writers have less time to lose each other's, and
   * a tag that nobody may change can be made. Reads back whether all are there.
   * @throws CommandError if they are not
   */
  attach(subject: ContentDescriptor, artifacts: readonly Artifact[]): Promise<void>;
  /** The same for manifests that are written already and name the digest as their subject. Changes nothing where all are listed. */
  list(digest: string, manifests: readonly StoredManifest[]): Promise<void>;
}

interface StoreOptions extends ContentOptions {
  /** The pauses until what was attached must be in the list, in milliseconds. @default 0.1, 0.5 and 2 s */
  readonly pauses?: readonly number[];
}

/** @param repository as in image names, e.g. `docker.io/acme/shop-link` */
export function artifactStore(repository: string, options: StoreOptions): ArtifactStore {
  const { actions = "pull,push", pauses = [100, 500, 2_000] } = options;
  const session = registrySession(options);
  const content = contentStore(repository, options);
  const image = locateImages(repository);

  /** By the API; `undefined`: the registry does not have it. Source: the OCI distribution specification 1.1, "Listing Referrers". */
  async function listed(digest: string): Promise<readonly ContentDescriptor[] | undefined> {
    const missing: { api: boolean } = { api: false };
    const items = await allPages(
      `what is attached to ${repository}@${digest}`,
      `/v2/${image.name}/referrers/${digest}`,
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
    return missing.api ? undefined : described(items);
  }

  /** The list that stands under a tag where the registry has no API for it. */
  async function tagged(digest: string): Promise<readonly z.infer<typeof descriptorSchema>[]> {
    const tag = referrersTag(digest);
    const found = await content.manifest(tag);
    if (found === undefined) return [];
    const index = indexSchema.safeParse(parsedJson(found.content.toString()));
    if (index.success) return index.data.manifests;
    throw new CommandError(
      `${repository}:${tag} is not the list of what is attached to ${digest}; find out who has written it, and delete the tag`,
    );
  }

  const attached: ArtifactStore["attached"] = async (digest) =>
    (await listed(digest)) ?? described(await tagged(digest));

  async function addToTag(digest: string, added: readonly StoredManifest[]): Promise<void> {
    const before = await tagged(digest);
    const others = added.filter((manifest) => before.every((one) => one.digest !== manifest.digest));
    const list = jsonOf({ schemaVersion: 2, mediaType: indexType, manifests: [...before, ...others.map(listEntry)] });
    const tag = referrersTag(digest);
    await content.putManifest(tag, { mediaType: indexType, content: list }).catch((error: unknown) => {
      if (error instanceof RegistryRefusal && error.status < 500 && before.length > 0)
        throw new CommandError(
          `${repository}:${tag} lists what is attached to the image, and the registry does not let it be changed (${error.message}); exempt tags that begin with sha256- from its immutable tags`,
          { cause: error },
        );
      throw error;
    });
  }

  const list: ArtifactStore["list"] = async (digest, manifests) => {
    if (manifests.length === 0) return;
    // Some registries answer as if they had the API, and have not: what counts is whether the list is there.
    const hasApi = (await listed(digest)) !== undefined;
    for (const pause of [0, ...pauses]) {
      await sleep(pause);
      if (!hasApi && (await missingIn(digest, manifests)).length > 0) await addToTag(digest, manifests);
      if ((await missingIn(digest, manifests)).length === 0) return;
    }
    throw new CommandError(
      `${repository}@${digest}: the registry does not list all that was attached, for others write there at the same time; run the same command again`,
    );
  };

  return {
    ...content,
    attached,
    list,
    async attach(subject, artifacts) {
      const blobs = [empty, ...artifacts.map((artifact) => artifact.content)];
      await Promise.all(blobs.map((blob) => content.putBlob(blob)));
      const manifests = artifacts.map((artifact) => manifestOf(subject, artifact));
      // One after the other: a registry with the API writes its list at each of them.
      for (const manifest of manifests) await content.putManifest(manifest.digest, manifest);
      await list(subject.digest, manifests);
    },
  };

  async function missingIn(digest: string, manifests: readonly StoredManifest[]): Promise<readonly StoredManifest[]> {
    const known = new Set((await attached(digest)).map((descriptor) => descriptor.digest));
    return manifests.filter((manifest) => !known.has(manifest.digest));
  }
}

function manifestOf(subject: ContentDescriptor, artifact: Artifact): StoredManifest {
  const content = jsonOf({
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType: artifact.type,
    config: { mediaType: emptyType, digest: digestOf(empty), size: empty.length },
    layers: [{ mediaType: artifact.type, digest: digestOf(artifact.content), size: artifact.content.length }],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    annotations: artifact.annotations,
  });
  return { mediaType: manifestType, digest: digestOf(content), size: content.length, content };
}

const listedSchema = z.object({
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  config: z.object({ mediaType: z.string() }).optional(),
});

/** As lists have it, for people and for tools that choose by it. */
function listEntry({ mediaType, digest, size, content }: StoredManifest): Readonly<Record<string, unknown>> {
  const { data } = listedSchema.safeParse(parsedJson(content.toString()));
  const artifactType = data?.artifactType ?? data?.config?.mediaType;
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(data?.annotations === undefined ? {} : { annotations: data.annotations }),
  };
}

const empty = Buffer.from("{}");

/** The tag of the list where the registry has no API for it. */
export function referrersTag(digest: string): string {
  return digest.replace(":", "-");
}

/** Others may attach what they address by another algorithm, such as sha512: it stays in the list, and is nothing that is read here. */
function described(list: readonly z.infer<typeof descriptorSchema>[]): readonly ContentDescriptor[] {
  return list
    .filter(({ digest }) => /^sha256:[0-9a-f]{64}$/.test(digest))
    .map(({ mediaType = manifestType, digest, size }) => ({ mediaType, digest, size }));
}

function jsonOf(value: unknown): Buffer<ArrayBuffer> {
  return Buffer.from(JSON.stringify(value));
}
