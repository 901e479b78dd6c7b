import { migrationJobName } from "../core/names.ts";
import { schemaProblems, type Problem } from "../core/problem.ts";
import { isMap, parseYaml, writeYaml } from "../core/yaml.ts";
import { z } from "zod";
import { commitSchema, digestSchema } from "./release-record.ts";

/** The label of the Applications, Jobs and pods of migrations. */
export const migrationLabel = { key: "app.kubernetes.io/component", value: "migration" } as const;

/** On the template: what an image's migration takes away, the images before it need. */
export const contractAnnotation = "delivery/contract";

const attemptAnnotation = "delivery/migration-attempt";
const sourceAnnotation = "delivery/source-commit";
const contractedByAnnotation = "delivery/contracted-by";

/** The newest migration of one service in one environment: the Job of an image, which must succeed before the image is released. */
export interface Migration {
  readonly image: { readonly repository: string; readonly digest: string };
  /** Counts all attempts of the service, so that no Job has the name of one that is just being removed. */
  readonly attempt: number;
  /** The Job's name. */
  readonly job: string;
  readonly namespace: string;
  /** How long it may run, in seconds. */
  readonly activeDeadlineSeconds: number;
  /** The commit of the monorepo that the image was built from. @default whoever wanted it did not say */
  readonly sourceCommit?: string | undefined;
  /** The newest image whose migration has taken away what those before it need. @default none has */
  readonly contractedBy?: string | undefined;
}

/** Where what Argo CD applies is, from the root of the deploy repository. */
export function migrationDirectory(directory: string, service: string): string {
  return `${directory}/${service}/migration`;
}

/** Where the record of a service's newest migration is: the Job itself. */
export function migrationPath(directory: string, service: string): string {
  return `${migrationDirectory(directory, service)}/job.yaml`;
}

/** What the Job of the next image is made of. In a directory of its own, which Argo CD does not apply. */
export function migrationTemplatePath(directory: string, service: string): string {
  return `${migrationDirectory(directory, service)}/template/job.yaml`;
}

/** The service whose migration's record this is; `undefined` for any other path. */
export function serviceOfMigration(directory: string, path: string): string | undefined {
  const [service = "", ...rest] = path.startsWith(`${directory}/`) ? path.slice(directory.length + 1).split("/") : [];
  return rest.join("/") === "migration/job.yaml" ? service : undefined;
}

const header =
  "# The migration of an image, which precedes its release. Written by `delivery release`, `promote` and `watch`.\n";

/** The record before the first migration: there is no Job. */
export function initialMigration(): string {
  return header;
}

/**
 * The Job of an image, and so the record.
 * @param template the content of the file at `migrationTemplatePath`
 */
export function migrationWith(
  template: Readonly<Record<string, unknown>>,
  {
    service,
    ...migration
  }: Pick<Migration, "image" | "attempt" | "sourceCommit" | "contractedBy"> & { readonly service: string },
): string {
  const { image, attempt, sourceCommit, contractedBy } = migration;
  const { metadata, spec } = template;
  const { annotations: _template, ...own } = isMap(metadata) ? metadata : {};
  const annotations = {
    [attemptAnnotation]: String(attempt),
    ...(sourceCommit === undefined ? {} : { [sourceAnnotation]: sourceCommit }),
    ...(contractedBy === undefined ? {} : { [contractedByAnnotation]: contractedBy }),
  };
  const name = migrationJobName(service, image.digest, attempt);
  return (
    header +
    writeYaml({
      ...template,
      metadata: { ...own, name, annotations },
      spec: withImage(spec, `${image.repository}@${image.digest}`),
    })
  );
}

/** The repository of the service's images, as the manifests have it. */
export function templateRepository(template: Readonly<Record<string, unknown>>): string | undefined {
  const parsed = templateSchema.safeParse(template);
  return parsed.data?.spec.template.spec.containers[0]?.image;
}

const templateSchema = z.object({
  spec: z.object({
    template: z.object({ spec: z.object({ containers: z.array(z.looseObject({ image: z.string() })) }) }),
  }),
});

/** Of the first container, which is the service's own. */
function withImage(spec: unknown, image: string): unknown {
  const { template, ...job } = isMap(spec) ? spec : {};
  const { spec: podSpec, ...pod } = isMap(template) ? template : {};
  const { containers, ...rest } = isMap(podSpec) ? podSpec : {};
  const [own, ...others] = Array.isArray(containers) ? (containers as unknown[]) : [];
  const changed = { ...rest, containers: [{ ...(isMap(own) ? own : {}), image }, ...others] };
  return { ...job, template: { ...pod, spec: changed } };
}

/** Whether the images before need what the migration of the next one takes away. */
export function isContract(template: Readonly<Record<string, unknown>>): boolean {
  const { metadata } = template;
  const annotations = isMap(metadata) ? metadata["annotations"] : undefined;
  return isMap(annotations) && annotations[contractAnnotation] === "true";
}

const jobSchema = z.object({
  kind: z.literal("Job", "Must be a Job"),
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    annotations: z.object({
      [attemptAnnotation]: z.string().regex(/^[1-9]\d{0,5}$/, "Must be the number of the attempt; quote it"),
      [sourceAnnotation]: commitSchema.optional(),
      [contractedByAnnotation]: digestSchema.optional(),
    }),
  }),
  spec: z.object({
    template: z.object({
      spec: z.object({
        activeDeadlineSeconds: z.int(),
        containers: z
          .array(
            z.looseObject({ image: z.string().regex(/^[^@]+@sha256:[0-9a-f]{64}$/, "Must be an image by digest") }),
          )
          .min(1, "Must have a container"),
      }),
    }),
  }),
});

/**
 * @param location the file, for messages
 * @returns `undefined` before the first migration
 */
export function parseMigration(location: string, text: string): Migration | undefined | { problems: Problem[] } {
  const parsed = parseYaml(text);
  if ("problem" in parsed) return { problems: [{ location, message: parsed.problem }] };
  if (parsed.value === null || parsed.value === undefined) return undefined;
  const job = jobSchema.safeParse(parsed.value);
  if (!job.success) return { problems: schemaProblems(location, job.error, parsed.value) };
  const { metadata, spec } = job.data;
  const pod = spec.template.spec;
  const [repository = "", digest = ""] = (pod.containers[0]?.image ?? "").split("@");
  return {
    image: { repository, digest },
    attempt: Number(metadata.annotations[attemptAnnotation]),
    job: metadata.name,
    namespace: metadata.namespace,
    activeDeadlineSeconds: pod.activeDeadlineSeconds,
    sourceCommit: metadata.annotations[sourceAnnotation],
    contractedBy: metadata.annotations[contractedByAnnotation],
  };
}
