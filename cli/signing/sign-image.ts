import type { KeyObject } from "node:crypto";
import { CommandError } from "../command.ts";
import { platformImages } from "../registry/manifest.ts";
import type { Artifact, ArtifactStore } from "../registry/artifacts.ts";
import type { StoredManifest } from "../registry/content.ts";
import { bundleType, signStatement } from "./bundle.ts";
import { readProofs } from "./read-proofs.ts";
import { predicateTypes, statementKinds, statementOf, type ImageClaim, type StatementKind } from "./statement.ts";

/** What is said of an image, for each of the digests that it has. */
export type Predicates = (claim: ImageClaim) => Readonly<Record<StatementKind, unknown>>;

/**
 * Attaches signature, SBOM and provenance to an image in its registry, and where it is an index, to the image of each platform, too:
 * nodes and scanners ask for these by their own digests. What is there already is not signed again.
 * @returns how many statements were attached
 * @throws CommandError if the registry does not have all of them afterwards
 */
export async function signImage(
  store: ArtifactStore,
  image: ImageClaim,
  key: KeyObject,
  predicates: Predicates,
): Promise<number> {
  const top = await store.manifest(image.digest);
  if (top === undefined)
    throw new CommandError(`${image.repository}@${image.digest} cannot be signed: the registry does not have it`);
  const children = platformImages(JSON.parse(top.content.toString()));
  const manifests = await Promise.all(children.map(async (digest) => store.manifest(digest)));
  const subjects = [top, ...manifests.flatMap((manifest) => manifest ?? [])];
  const counts = await Promise.all(
    subjects.map(async (subject) => signSubject(store, subject, { ...image, digest: subject.digest }, key, predicates)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function signSubject(
  store: ArtifactStore,
  subject: StoredManifest,
  claim: ImageClaim,
  key: KeyObject,
  predicates: Predicates,
): Promise<number> {
  const { statements } = await readProofs(store, subject.digest, [key]);
  const missing = statementKinds.filter(
    (kind) =>
      !statements.some(
        ({ predicateType, repository, commit, tags }) =>
          predicateType === predicateTypes[kind] &&
          repository === claim.repository &&
          commit === claim.commit &&
          claim.tags.every((tag) => tags.includes(tag)),
      ),
  );
  if (missing.length === 0) return 0;
  const said = predicates(claim);
  const artifacts = missing.map((kind): Artifact => {
    const content = signStatement(statementOf(kind, claim, said[kind]), key);
    // As cosign writes them, for tools that show what there is.
    return {
      type: bundleType,
      content,
      annotations: {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": predicateTypes[kind],
      },
    };
  });
  await store.attach(subject, artifacts);
  return artifacts.length;
}
