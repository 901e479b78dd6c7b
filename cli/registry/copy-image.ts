import { z } from "zod";
import { parsedJson } from "../../core/json.ts";
import { CommandError } from "../command.ts";
import { referrersTag, type ArtifactStore } from "./artifacts.ts";
import type { StoredManifest } from "./content.ts";

/** Whoever may push to the origin can attach what they like; more than this is no image with its proofs any more. */
const mostManifests = 1_000;

/** How many layers of a manifest are on their way at the same time. */
const atOnce = 3;

const descriptorSchema = z.object({
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.number(),
  /** Where else it is: layers that no registry may pass on. */
  urls: z.array(z.string()).default([]),
});

const manifestSchema = z.object({
  manifests: z.array(descriptorSchema).default([]),
  config: descriptorSchema.optional(),
  layers: z.array(descriptorSchema).default([]),
  subject: z.object({ digest: z.string() }).optional(),
});

/** What a copy consists of, whether it was there before or not. */
export interface CopiedImage {
  /** Manifests of the image itself: one, or an index with those for its platforms. */
  readonly images: number;
  /** Signatures, SBOMs and whatever else is attached to any of them. */
  readonly attachments: number;
  /** What was missing in the target, in bytes. */
  readonly bytes: number;
}

/**
 * Copies an image by its digest, for all platforms, with all that is attached to it and to each of them, and to that in turn. What is
 * there is not written again, so that a copy that was cut short goes on. All bytes stay the same, and so all digests and signatures.
 * @param digest of an index or a manifest
 * @param tag that keeps the target's garbage collection away from it: what no tag leads to is removed
 * @throws CommandError where a part is lost, or the target does not list all that is attached
 */
export async function copyImage(
  digest: string,
  from: ArtifactStore,
  to: ArtifactStore,
  tag: string,
): Promise<CopiedImage> {
  const seen = new Map<string, StoredManifest>();
  const counts = { images: 0, attachments: 0, bytes: 0 };

  /** What a manifest consists of comes before it, since registries refuse one that leads to nothing. */
  async function copy(reference: string, kind: "images" | "attachments"): Promise<StoredManifest> {
    const known = seen.get(reference);
    if (known !== undefined) return known;
    const manifest = await readManifest(from, reference);
    seen.set(reference, manifest);
    if (seen.size > mostManifests)
      throw new CommandError(
        `${from.repository}@${digest} has more than ${mostManifests} attachments; delete those that nobody needs`,
      );
    const { manifests, config, layers } = partsOf(manifest, from);
    for (const child of manifests) await copy(child.digest, kind);
    const blobs = [...(config === undefined ? [] : [config]), ...layers.filter(({ urls }) => urls.length === 0)];
    const copied = await copyBlobs(blobs);
    // A registry may have a manifest whose layers it has lost, and knows again only when it is written.
    if (copied > 0 || (await to.manifest(reference)) === undefined) await to.putManifest(reference, manifest);
    counts[kind]++;
    counts.bytes += copied;
    await copyAttached(reference);
    return manifest;
  }

  async function copyBlobs(blobs: readonly z.infer<typeof descriptorSchema>[]): Promise<number> {
    const different = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
    let bytes = 0;
    for (let start = 0; start < different.length; start += atOnce) {
      const sizes = different
        .slice(start, start + atOnce)
        .map(async (blob) => ((await to.copyBlob(blob, from)) ? blob.size : 0));
      bytes += (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    }
    return bytes;
  }

  /** One after the other, and listed together: parallel writers of one list lose each other's entries. */
  async function copyAttached(subject: string): Promise<void> {
    const copies: StoredManifest[] = [];
    for (const { digest: attachment } of await from.attached(subject)) {
      const manifest = await readManifest(from, attachment);
      // A list under a tag is anybody's word.
      if (partsOf(manifest, from).subject?.digest !== subject) continue;
      copies.push(await copy(attachment, "attachments"));
    }
    await to.list(subject, copies);
  }

  const top = await copy(digest, "images");
  if ((await to.manifest(tag))?.digest !== digest) await to.putManifest(tag, top);
  return counts;
}

async function readManifest(store: ArtifactStore, digest: string): Promise<StoredManifest> {
  const manifest = await store.manifest(digest);
  if (manifest !== undefined) return manifest;
  throw new CommandError(`${store.repository}@${digest}: the registry has lost it, so that it cannot be copied`);
}

function partsOf({ content, digest }: StoredManifest, { repository }: ArtifactStore): z.infer<typeof manifestSchema> {
  const { data } = manifestSchema.safeParse(parsedJson(content.toString()));
  if (data !== undefined) return data;
  throw new CommandError(`${repository}@${digest} is no manifest of an image, and cannot be copied`);
}

/** The tag under which a copy is kept. It says what it is of, so that it never has to be moved. */
export function copyTag(digest: string): string {
  return referrersTag(digest).replace(/^sha256-/, "promoted-");
}
