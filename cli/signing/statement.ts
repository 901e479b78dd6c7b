import { parsedJson } from "../../core/json.ts";
import { z } from "zod";

/**
 * What is said of an image, each by a statement of its own that is signed: the kinds, by the types of their predicates.
 * Sources: https://github.com/in-toto/attestation/tree/main/spec/v1, https://slsa.dev/spec/v1.1/provenance, cosign's
 * `pkg/types/predicate.go`.
 */
export const predicateTypes = {
  signature: "https://sigstore.dev/cosign/sign/v1",
  SBOM: "https://cyclonedx.org/bom",
  provenance: "https://slsa.dev/provenance/v1",
} as const;
export type StatementKind = keyof typeof predicateTypes;

export const statementKinds: readonly StatementKind[] = ["signature", "SBOM", "provenance"];

/** The media type of a statement in its envelope. */
export const statementType = "application/vnd.in-toto+json";

/** Which image a statement is of. A digest alone says nothing of the repository that it was built for. */
export interface ImageClaim {
  readonly digest: string;
  /** Without tag, e.g. `docker.io/acme/shop-link`. */
  readonly repository: string;
  /** The commit that it was built from. */
  readonly commit: string;
  /** The tags under which it was pushed. */
  readonly tags: readonly string[];
}

/** Makes the text of a statement. */
export function statementOf(
  kind: StatementKind,
  { digest, repository, commit, tags }: ImageClaim,
  predicate: unknown,
): string {
  return JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: [
      {
        name: repository,
        digest: { sha256: digest.replace(/^sha256:/, "") },
        // Where `cosign verify` shows and `cosign sign --annotations` writes them. All values are texts there.
        annotations: { repository, commit, tags: tags.join(",") },
      },
    ],
    predicateType: predicateTypes[kind],
    predicate,
  });
}

const statementSchema = z.object({
  _type: z.string().regex(/^https:\/\/in-toto\.io\/Statement\/v(0\.)?1$/),
  subject: z.array(
    z.object({
      digest: z.record(z.string(), z.string()),
      annotations: z.record(z.string(), z.unknown()).default({}),
    }),
  ),
  predicateType: z.string(),
  predicate: z.unknown(),
});

/** What a statement says of one image. What it does not say is empty. */
export interface StatementOfImage extends Omit<ImageClaim, "digest"> {
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** @returns `undefined`: it is no statement, or not of this image */
export function readStatement(text: string, digest: string): StatementOfImage | undefined {
  const parsed = statementSchema.safeParse(parsedJson(text));
  const subject = parsed.data?.subject.find(({ digest: { sha256 } }) => `sha256:${sha256}` === digest);
  if (parsed.data === undefined || subject === undefined) return undefined;
  const said = (name: string): string => {
    const value = subject.annotations[name];
    return typeof value === "string" ? value : "";
  };
  const { predicateType, predicate } = parsed.data;
  const tags = said("tags")
    .split(",")
    .filter((tag) => tag !== "");
  return { predicateType, predicate, repository: said("repository"), commit: said("commit"), tags };
}
