import { z } from "zod";

/** The parts of the stack's state that the checks compare with Git, the cluster and CircleCI; secrets stay encrypted. */
export interface StackState {
  /** `undefined`: the stack has no files in Git. */
  readonly manifests: DeclaredManifests | undefined;
  /** Those of the waves of clusters after the first. @default there is one wave */
  readonly laterWaves?: readonly DeclaredManifests[];
  /** The environment's, and those that this stack declares for all environments. */
  readonly contexts: readonly DeclaredContext[];
  /** `undefined`: the stack does not own the project. */
  readonly pipelines: DeclaredPipelines | undefined;
  /** The objects on the cluster that the stack itself declares: `Kind/name`. */
  readonly objects: ReadonlySet<string>;
}

/** The files that the stack has written to the deploy repository. */
export type DeclaredManifests = z.infer<typeof manifestsSchema>;

/** A context of CircleCI. */
export interface DeclaredContext {
  readonly id: string;
  readonly name: string;
  readonly variables: readonly z.infer<typeof variableSchema>[];
  readonly restrictions: readonly z.infer<typeof restrictionSchema>[];
}

/** What runs the project's jobs, and when. */
export interface DeclaredPipelines {
  readonly projectId: string;
  readonly ids: readonly string[];
  readonly triggers: readonly string[];
}

const manifestsSchema = z.object({
  directory: z.string(),
  stack: z.string(),
  files: z.record(z.string(), z.string()),
  records: z.record(z.string(), z.string()),
});
const variableSchema = z.object({ name: z.string(), updatedAt: z.string().optional() });
const restrictionSchema = z.object({ type: z.string(), value: z.string() });
const projectSchema = z.object({ id: z.string() });
const pipelineSchema = z.object({ id: z.string() });
const contextSchema = z.object({ id: z.string(), name: z.string() });
const objectSchema = z.object({ kind: z.string(), metadata: z.object({ name: z.string() }) });

const deploymentSchema = z.object({
  resources: z
    .array(
      z.object({
        type: z.string(),
        delete: z.boolean().default(false),
        outputs: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .default([]),
});

const types = {
  manifests: "pulumi-nodejs:dynamic/delivery:GitManifests",
  context: "circleci:index/context:Context",
  variable: "circleci:index/contextEnvironmentVariable:ContextEnvironmentVariable",
  project: "circleci:index/project:Project",
  pipeline: "circleci:index/pipeline:Pipeline",
  trigger: "circleci:index/trigger:Trigger",
  restriction: "circleci:index/contextRestriction:ContextRestriction",
} as const;

/** @param deployment as the engine exports it */
export function stackStateOf(deployment: unknown): StackState {
  const { resources } = deploymentSchema.parse(deployment);
  // Resources that wait for their deletion are not declared any more.
  const current = resources.filter((resource) => !resource.delete);
  const outputs = <T>(type: string, schema: z.ZodType<T>): T[] =>
    current.filter((resource) => resource.type === type).map((resource) => schema.parse(resource.outputs));
  // The directory of a later wave begins with that of the first one.
  const [manifests, ...laterWaves] = outputs(types.manifests, manifestsSchema).toSorted(
    (one, other) => one.directory.length - other.directory.length,
  );
  const within = <T>(context: string, type: string, schema: z.ZodType<T>): T[] =>
    outputs(type, z.looseObject({ contextId: z.string() }))
      .filter(({ contextId }) => contextId === context)
      .map((found) => schema.parse(found));
  const [project] = outputs(types.project, projectSchema);
  const objects = current.flatMap((resource) => {
    const object = resource.type.startsWith("kubernetes:") ? objectSchema.safeParse(resource.outputs) : undefined;
    return object?.success === true ? [`${object.data.kind}/${object.data.metadata.name}`] : [];
  });
  return {
    manifests,
    ...(laterWaves.length === 0 ? {} : { laterWaves }),
    contexts: outputs(types.context, contextSchema).map((context) => ({
      ...context,
      variables: within(context.id, types.variable, variableSchema),
      restrictions: within(context.id, types.restriction, restrictionSchema),
    })),
    pipelines: project && {
      projectId: project.id,
      ids: outputs(types.pipeline, pipelineSchema).map(({ id }) => id),
      triggers: outputs(types.trigger, pipelineSchema).map(({ id }) => id),
    },
    objects: new Set(objects),
  };
}
