import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { CommandError } from "../command.ts";
import type { ArtifactStore } from "../registry/artifacts.ts";
import { bundleType, verifyBundle } from "./bundle.ts";
import { readStatement, type StatementOfImage } from "./statement.ts";

/** More attachments of one image are no list of signatures any more. */
const mostAttached = 500;

/** How many are read at the same time. */
const atOnce = 8;

/** What is attached to an image and signed. */
export interface Proofs {
  /** Those that verify by one of the keys, and are of this digest. */
  readonly statements: readonly StatementOfImage[];
  /** How many do not count, by the reason: another key's, or changed after they were signed. */
  readonly foreign: number;
  readonly broken: number;
}

const manifestSchema = z.object({
  layers: z.array(z.object({ mediaType: z.string(), digest: z.string(), size: z.number() })).default([]),
});

/**
 * Reads what is attached to a digest. What a list says of its entries is anybody's word, and some lists say nothing: only what is
 * verified counts.
 */
export async function readProofs(store: ArtifactStore, digest: string, keys: readonly KeyObject[]): Promise<Proofs> {
  const listed = await store.attached(digest);
  if (listed.length > mostAttached)
    throw new CommandError(
      `${digest} has ${listed.length} attachments, too many to find a signature among them; delete those that are none`,
    );
  const found: Proofs[] = [];
  for (let start = 0; start < listed.length; start += atOnce)
    found.push(
      ...(await Promise.all(
        listed.slice(start, start + atOnce).map((descriptor) => readOne(store, descriptor.digest, digest, keys)),
      )),
    );
  return {
    statements: found.flatMap(({ statements }) => statements),
    foreign: found.reduce((sum, { foreign }) => sum + foreign, 0),
    broken: found.reduce((sum, { broken }) => sum + broken, 0),
  };
}

async function readOne(
  store: ArtifactStore,
  reference: string,
  digest: string,
  keys: readonly KeyObject[],
): Promise<Proofs> {
  const manifest = await store.manifest(reference);
  const parsed = manifestSchema.safeParse(JSON.parse(manifest?.content.toString() ?? "{}"));
  const layers = (parsed.data?.layers ?? []).filter(({ mediaType }) => mediaType === bundleType);
  const bundles = await Promise.all(
    layers.map(async (layer) => verifyBundle((await store.blob(layer)).toString(), keys)),
  );
  return {
    statements: bundles.flatMap((bundle) =>
      "statement" in bundle ? (readStatement(bundle.statement, digest) ?? []) : [],
    ),
    foreign: bundles.filter((bundle) => "reason" in bundle && bundle.reason === "foreign key").length,
    broken: bundles.filter((bundle) => "reason" in bundle && bundle.reason === "broken").length,
  };
}
