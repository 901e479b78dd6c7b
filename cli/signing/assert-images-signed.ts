import type { KeyObject } from "node:crypto";
import { readPublicKey } from "../../core/image-key.ts";
import type { Release } from "../../git/records.ts";
import { imageRepository } from "../../core/names.ts";
import { imagesOrigin } from "../../stacks/images-schema.ts";
import { CommandError } from "../command.ts";
import type { StackFile } from "../project/stack-file.ts";
import { artifactStore } from "../registry/artifacts.ts";
import type { RegistryOptions } from "../registry/session.ts";
import { readProofs, type Proofs } from "./read-proofs.ts";
import { predicateTypes, statementKinds, type StatementKind } from "./statement.ts";

/** What commands that release say of it. */
export const signingHelp = `Where the stack file says \`images.signing.verify: signed\`, only images are released that have signature, SBOM
  and provenance by a key of images.signing.publicKeys, for their own repository, and for the commit that they are released for.`;

/** What an environment demands of the images that are released there. */
export interface SigningPolicy {
  readonly keys: readonly KeyObject[];
  /** As which repository the images of a service are signed. */
  readonly originOf: (service: string) => string;
  /** The stack file, for messages. */
  readonly file: string;
}

/** @returns `undefined`: the stack file does not say `images.signing.verify`, or there is none */
export function signingPolicy(file: StackFile): SigningPolicy | undefined {
  const { app, images } = file.find("app", "images") ?? {};
  const { signing } = images ?? {};
  if (app === undefined || images === undefined || signing?.verify === undefined) return undefined;
  const origin = imagesOrigin(images);
  return {
    keys: signing.publicKeys.flatMap((pem) => {
      const read = readPublicKey(pem);
      return "key" in read ? [read.key] : [];
    }),
    originOf: (service) => imageRepository(origin, app.name, service),
    file: file.path,
  };
}

/**
 * Demands that images have signature, SBOM and provenance, by one of the environment's keys, for their own repository, and for the
 * commit that they are released for, if one is known.
 * @throws CommandError with a sentence for each image that has not
 */
export async function assertImagesSigned(
  policy: SigningPolicy,
  releases: readonly Release[],
  registry: RegistryOptions,
  where: ProofLocation = "also at the origin",
): Promise<void> {
  const problems = await unsignedImages(policy, releases, registry, where);
  if (problems.length === 0) return;
  throw new CommandError(
    [
      ...problems.map(({ problem }) => problem),
      `${policy.file} demands it (images.signing.verify); nothing was changed`,
    ].join("\n       "),
  );
}

/** Where proofs count: a copy must have its own. */
type ProofLocation = "also at the origin" | "beside the image";

export interface UnsignedImage {
  readonly release: Release;
  /** A sentence that names the image and what is missing. */
  readonly problem: string;
}

export interface TaggedRelease extends Release {
  /** The tag that it was chosen by: whoever may push can move one to an older image. @default it was chosen by its digest */
  readonly tag?: string | undefined;
}

/** The images that do not have what is demanded. */
export async function unsignedImages(
  policy: SigningPolicy,
  releases: readonly TaggedRelease[],
  registry: RegistryOptions,
  where: ProofLocation = "also at the origin",
): Promise<UnsignedImage[]> {
  const checked = await Promise.all(
    releases.map(async (release) => {
      const problem = await problemOf(policy, release, registry, where);
      return problem === undefined ? [] : [{ release, problem }];
    }),
  );
  return checked.flat();
}

async function problemOf(
  { keys, originOf }: SigningPolicy,
  release: TaggedRelease,
  registry: RegistryOptions,
  where: ProofLocation,
): Promise<string | undefined> {
  const { repository, digest, tag } = release;
  const expected: Expected = { repository: originOf(release.service), commit: release.sourceCommit, tag };
  // A copy brings its signatures along. A cache may not know of them, but a signature is no less one for where it lies.
  const locations = where === "beside the image" ? [repository] : new Set([repository, expected.repository]);
  const problems: string[] = [];
  for (const location of locations) {
    const proofs = await readProofs(artifactStore(location, { ...registry, actions: "pull" }), digest, keys);
    const problem = missingProof(proofs, expected);
    if (problem === undefined) return undefined;
    problems.push(problem);
  }
  const [first] = problems;
  return `${repository}@${digest} ${first}`;
}

interface Expected {
  readonly repository: string;
  readonly commit: string | undefined;
  readonly tag?: string | undefined;
}

/** What is missing, as the rest of a sentence; `undefined`: nothing. */
export function missingProof(proofs: Proofs, expected: Expected): string | undefined {
  for (const kind of statementKinds) {
    const problem = missingKind(kind, proofs, expected);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function missingKind(
  kind: StatementKind,
  { statements, foreign, broken }: Proofs,
  { repository, commit, tag }: Expected,
): string | undefined {
  const what = kind === "signature" ? "is not signed" : `has no ${kind} that is signed`;
  const ofKind = statements.filter(({ predicateType }) => predicateType === predicateTypes[kind]);
  const ofRepository = ofKind.filter((statement) => statement.repository === repository);
  const ofCommit = ofRepository.filter((statement) => commit === undefined || isSameCommit(statement.commit, commit));
  if (ofCommit.some(({ tags }) => tag === undefined || tags.includes(tag))) return undefined;
  const tags = list(ofCommit.flatMap((statement) => statement.tags)) || "no tag";
  if (ofCommit.length > 0) return `${what} for the tag ${tag}, but for ${tags}: somebody has moved the tag`;
  const commits = list(ofRepository.map((statement) => statement.commit || "no commit"));
  if (ofRepository.length > 0)
    return `${what} for the commit ${commit}, but for ${commits}: another build has this digest`;
  const repositories = list(ofKind.map((statement) => statement.repository || "no repository"));
  if (ofKind.length > 0)
    return `${what} for ${repository}, but for ${repositories}: build it for the one, or where it is to come from the other, set images.signing.origin`;
  if (broken > 0) return `${what}: what claims to be was changed after it was signed, for its signature does not fit`;
  if (foreign > 0) return `${what} by a key of images.signing.publicKeys: what is attached is signed by another key`;
  return `${what}: build it again with signing on, which needs no other commit`;
}

/** People may name a commit by its first digits. */
function isSameCommit(signed: string, given: string): boolean {
  return signed === given || (given.length >= 7 && signed.startsWith(given));
}

function list(values: readonly string[]): string {
  return [...new Set(values)].join(", ");
}
