import { z } from "zod";
import { schemaProblems, type Problem } from "../core/problem.ts";
import { parseYaml, writeYaml } from "../core/yaml.ts";
import { judgmentTextSchema, type RecordedJudgment } from "./recorded-judgment.ts";
import { isWithoutPods, patchSchema, withoutPods } from "./without-pods.ts";

/** A digest as registries write it. */
export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, "Must be sha256: and 64 hexadecimal digits");

// Argo CD Image Updater repeats the name as the new name.
const imageSchema = z
  .strictObject({ name: z.string(), newName: z.string().optional(), digest: digestSchema })
  .refine(({ name, newName }) => newName === undefined || newName === name, {
    path: ["newName"],
    message: "Must be the same as the name, or left out: an environment runs the image of its own repository",
  });

/** A commit as Git names it, in full or cut short. */
export const commitSchema = z.string().regex(/^[0-9a-f]{7,64}$/, "Must be the id of a commit");

const rejectedAnnotation = "delivery/rejected";
const rejectedSourceAnnotation = "delivery/rejected-source-commit";
const sourceAnnotation = "delivery/source-commit";
const rejectedReasonAnnotation = "delivery/rejected-reason";
const rejectedBeforeAnnotation = "delivery/rejected-before";
const contractedByAnnotation = "delivery/contracted-by";
const verificationAnnotation = "delivery/verification";
const verifiedDigestAnnotation = "delivery/verified-digest";
const verifiedAtAnnotation = "delivery/verified-at";
const evidenceAnnotation = "delivery/verification-evidence";
const waitingAnnotation = "delivery/waiting";
const waitingSourceAnnotation = "delivery/waiting-source-commit";
const linkAnnotation = "delivery/verification-link";
const judgmentAnnotation = "delivery/judgment";
const rejectedJudgmentAnnotation = "delivery/rejected-judgment";

const annotationsSchema = z
  .strictObject({
    [rejectedAnnotation]: digestSchema.optional(),
    [rejectedSourceAnnotation]: commitSchema.optional(),
    [sourceAnnotation]: commitSchema.optional(),
    [rejectedReasonAnnotation]: z.string().optional(),
    [rejectedBeforeAnnotation]: z
      .string()
      .transform((text) => text.split(" "))
      .pipe(z.array(digestSchema))
      .optional(),
    [contractedByAnnotation]: digestSchema.optional(),
    [verificationAnnotation]: z.enum(["pending", "passed", "failed"], "Must be pending, passed or failed").optional(),
    [verifiedDigestAnnotation]: digestSchema.optional(),
    [verifiedAtAnnotation]: z.iso.datetime("Must be a time such as 2026-11-30T12:00:00.000Z").optional(),
    [evidenceAnnotation]: z.string().optional(),
    [linkAnnotation]: z.string().optional(),
    [judgmentAnnotation]: judgmentTextSchema.optional(),
    [rejectedJudgmentAnnotation]: judgmentTextSchema.optional(),
    [waitingAnnotation]: digestSchema.optional(),
    [waitingSourceAnnotation]: commitSchema.optional(),
  })
  .refine((all) => all[rejectedSourceAnnotation] === undefined || all[rejectedAnnotation] !== undefined, {
    path: [rejectedAnnotation],
    message: `Must say which image ${rejectedSourceAnnotation} belongs to`,
  })
  .refine(
    (all) => [undefined, "pending"].includes(all[verificationAnnotation]) || all[verifiedAtAnnotation] !== undefined,
    {
      path: [verifiedAtAnnotation],
      message: `Must say when ${verificationAnnotation} came to that`,
    },
  )
  .optional();

const recordSchema = z
  .strictObject({
    apiVersion: z.literal("kustomize.config.k8s.io/v1alpha1"),
    kind: z.literal("Component"),
    metadata: z.strictObject({ annotations: annotationsSchema }).optional(),
    images: z.array(imageSchema).length(1, "A release record holds exactly one image").optional(),
    patches: z
      .array(patchSchema)
      .refine(
        isWithoutPods,
        "Must be those of a service without pods: only before the first release does a record have any",
      )
      .optional(),
    // As earlier versions of this program wrote it.
    replicas: z
      .array(
        z.strictObject({
          name: z.string(),
          count: z.literal(0, "Must be 0: only before the first release does a record set the replicas"),
        }),
      )
      .length(1, "A release record holds exactly one service")
      .optional(),
  })
  .refine(
    ({ images, replicas, patches }) => [images, replicas, patches].filter((part) => part !== undefined).length === 1,
    {
      path: ["images"],
      message: "A release record holds exactly one image, or no replicas before the first release; release again",
    },
  );

/** What runs of one service in one environment. */
export interface ReleaseRecord {
  /** The image, without tag or digest; `undefined` before the first release. */
  readonly image: { readonly repository: string; readonly digest: string } | undefined;
  /** Until the next release, it must not come back by itself. */
  readonly rejected?: Rejection | undefined;
  /** What was taken away for a reason before that; it must not come back by itself either. The newest first. @default nothing */
  readonly rejectedBefore?: readonly string[] | undefined;
  /** The commit of the monorepo that the image was built from; `undefined`: whoever released it did not say. */
  readonly sourceCommit?: string | undefined;
  /** The newest image up to this one whose migration has taken away what those before it need. @default none has */
  readonly contractedBy?: string | undefined;
  /** Whether the image has proved itself. @default nobody has asked it to */
  readonly verification?: Verification | undefined;
  /** What is to run once a window of the environment is open. @default nothing */
  readonly waiting?: WaitingImage | undefined;
}

/** An image that was released while no window was open. */
export interface WaitingImage {
  readonly digest: string;
  readonly sourceCommit?: string | undefined;
}

/** What is known of an image that has to prove itself after its release. */
export type Verification =
  | { readonly state: "pending" }
  | {
      readonly state: "passed" | "failed";
      /** When the verdict was written, ISO 8601. */
      readonly at: string;
      /** What was found, in one line. */
      readonly evidence: string;
      /** The job that has found it. @default it was found by hand */
      readonly link?: string | undefined;
      /** What its metrics came to beside those of a baseline. @default nobody has judged them */
      readonly judgment?: RecordedJudgment | undefined;
    };

/** The newest image that a rollback took away. */
export interface Rejection {
  readonly digest: string;
  /** If it is there, it is newer than that of what runs. */
  readonly sourceCommit?: string | undefined;
  /** Why it was taken away, by a failed verification or a person, in one line. @default a person has, and does not say why */
  readonly reason?: string | undefined;
  /** What its metrics came to. @default nobody has judged them */
  readonly judgment?: RecordedJudgment | undefined;
}

/** An image to be released. */
export interface ReleasedImage {
  /** Without tag or digest. */
  readonly repository: string;
  readonly digest: string;
  readonly sourceCommit?: string | undefined;
  /** The newest image up to this one whose migration has taken away what those before it need. @default none has */
  readonly contractedBy?: string | undefined;
  /** Whether it has proved itself. @default nobody has asked it to */
  readonly verification?: Verification | undefined;
  /** What is to run in its place once a window is open. @default nothing */
  readonly waiting?: WaitingImage | undefined;
  /** What else must not come back by itself, beside what this one takes away. @default nothing */
  readonly rejectedBefore?: readonly string[] | undefined;
}

/** Where the record of a service is, from the root of the deploy repository. */
export function recordPath(directory: string, service: string): string {
  return `${directory}/${service}/release/kustomization.yaml`;
}

/** The service whose record this is; `undefined` for any other path. */
export function serviceOfRecord(directory: string, path: string): string | undefined {
  const [service = "", ...rest] = path.startsWith(`${directory}/`) ? path.slice(directory.length + 1).split("/") : [];
  return rest.join("/") === "release/kustomization.yaml" ? service : undefined;
}

/** The record before the first release: the service is there, and no pod of it runs. */
export function initialRecord(service: string, waiting?: WaitingImage): string {
  return written({ ...metadataOf(waitingAnnotations(waiting)), patches: withoutPods(service) });
}

/** @param rejected what must not come back by itself, if this is a rollback */
export function recordWith(
  { repository, digest, sourceCommit, contractedBy, verification, waiting, rejectedBefore: earlier }: ReleasedImage,
  rejected?: Rejection,
): string {
  const annotations = {
    ...(rejected === undefined ? {} : { [rejectedAnnotation]: rejected.digest }),
    ...(rejected?.sourceCommit === undefined ? {} : { [rejectedSourceAnnotation]: rejected.sourceCommit }),
    ...(rejected?.reason === undefined ? {} : { [rejectedReasonAnnotation]: rejected.reason }),
    ...(rejected?.judgment === undefined ? {} : { [rejectedJudgmentAnnotation]: JSON.stringify(rejected.judgment) }),
    ...(earlier === undefined || earlier.length === 0 ? {} : { [rejectedBeforeAnnotation]: earlier.join(" ") }),
    ...(sourceCommit === undefined ? {} : { [sourceAnnotation]: sourceCommit }),
    ...verificationAnnotations(verification, digest),
    ...(contractedBy === undefined ? {} : { [contractedByAnnotation]: contractedBy }),
    ...waitingAnnotations(waiting),
  };
  return written({ ...metadataOf(annotations), images: [{ name: repository, digest }] });
}

function metadataOf(annotations: Record<string, string>): { metadata?: { annotations: Record<string, string> } } {
  return Object.keys(annotations).length === 0 ? {} : { metadata: { annotations } };
}

function waitingAnnotations(waiting: WaitingImage | undefined): Record<string, string> {
  if (waiting === undefined) return {};
  const { digest, sourceCommit } = waiting;
  return {
    [waitingAnnotation]: digest,
    ...(sourceCommit === undefined ? {} : { [waitingSourceAnnotation]: sourceCommit }),
  };
}

/** A verdict names its image: whoever edits the record by hand may leave it there. */
function verificationAnnotations(verification: Verification | undefined, digest: string): Record<string, string> {
  if (verification === undefined) return {};
  if (verification.state === "pending") return { [verificationAnnotation]: verification.state };
  const { state, at, evidence, link, judgment } = verification;
  return {
    [verificationAnnotation]: state,
    [verifiedDigestAnnotation]: digest,
    [verifiedAtAnnotation]: at,
    [evidenceAnnotation]: evidence,
    ...(link === undefined ? {} : { [linkAnnotation]: link }),
    ...(judgment === undefined ? {} : { [judgmentAnnotation]: JSON.stringify(judgment) }),
  };
}

function verificationOf(
  annotations: z.infer<typeof annotationsSchema> = {},
  digest: string | undefined,
): Verification | undefined {
  const { [verificationAnnotation]: state, [verifiedAtAnnotation]: at = "", [linkAnnotation]: link } = annotations;
  if (state === undefined || state === "pending") return state && { state };
  if (annotations[verifiedDigestAnnotation] !== digest) return undefined;
  const judgment = annotations[judgmentAnnotation];
  return { state, at, evidence: annotations[evidenceAnnotation] ?? "", link, ...(judgment && { judgment }) };
}

/** @param location the file, for messages */
export function parseRecord(location: string, text: string): ReleaseRecord | { problems: Problem[] } {
  const parsed = parseYaml(text);
  if ("problem" in parsed) return { problems: [{ location, message: parsed.problem }] };
  const record = recordSchema.safeParse(parsed.value);
  if (!record.success) return { problems: schemaProblems(location, record.error, parsed.value) };
  const [image] = record.data.images ?? [];
  const annotations = record.data.metadata?.annotations;
  const rejected = annotations?.[rejectedAnnotation];
  const verification = verificationOf(annotations, image?.digest);
  const waiting = annotations?.[waitingAnnotation];
  return {
    image: image === undefined ? undefined : { repository: image.name, digest: image.digest },
    rejected:
      rejected === undefined
        ? undefined
        : {
            digest: rejected,
            sourceCommit: annotations?.[rejectedSourceAnnotation],
            ...(annotations?.[rejectedReasonAnnotation] === undefined
              ? {}
              : { reason: annotations[rejectedReasonAnnotation] }),
            ...(annotations?.[rejectedJudgmentAnnotation] && { judgment: annotations[rejectedJudgmentAnnotation] }),
          },
    ...(annotations?.[rejectedBeforeAnnotation] && { rejectedBefore: annotations[rejectedBeforeAnnotation] }),
    sourceCommit: annotations?.[sourceAnnotation],
    contractedBy: annotations?.[contractedByAnnotation],
    ...(verification === undefined ? {} : { verification }),
    ...(waiting === undefined
      ? {}
      : { waiting: { digest: waiting, sourceCommit: annotations?.[waitingSourceAnnotation] } }),
  };
}

function written(content: Record<string, unknown>): string {
  const header =
    "# What runs. Written by `delivery release`, `promote` and `rollback`, or by the watcher of the registry.\n";
  return header + writeYaml({ apiVersion: "kustomize.config.k8s.io/v1alpha1", kind: "Component", ...content });
}
