import type { CircleConfig } from "../../circleci/schema.ts";
import { declaredContexts, type ContextDeclaration } from "../../components/circleci/contexts.ts";
import { contextsArgs } from "../../stacks/stage-args.ts";
import { continueConfiguration, setupConfiguration } from "../ci-config/circleci/configuration.ts";
import { rollbackConfiguration } from "../ci-config/circleci/rollback.ts";
import { triggerKinds, type Pipeline, type TriggerKind } from "../ci-config/pipeline.ts";
import { pipelineOf, readDeclarations } from "../ci-config/read-pipeline.ts";
import { readMonorepo } from "../project/monorepo.ts";
import type { Project, StackFile } from "../project/stack-file.ts";

/** What starts jobs: what the pipeline runs for, or somebody on CircleCI's page of deploys. */
export type JobTrigger = TriggerKind | "rollback";

/** Jobs of one kind, and the pipelines that run them. */
export interface JobUse {
  /** Their name; `build-…` where there is one for each service. */
  readonly job: string;
  readonly triggers: readonly JobTrigger[];
}

/** A context, who declares it, and the jobs of the generated configuration that have it. */
export interface ReachableContext extends ContextDeclaration {
  /** The environment whose stack declares it. */
  readonly stack: string;
  /** That stack's file, for messages. */
  readonly file: string;
  readonly jobs: readonly JobUse[];
}

/** Who can reach what in the pipeline of an app. Holds nothing secret. */
export interface Reach {
  readonly app: string;
  /** The environment that gets what is merged, and all that follow. */
  readonly environments: readonly EnvironmentSettings[];
  readonly contexts: readonly ReachableContext[];
  /** Contexts that jobs name and no stack declares, with those jobs. */
  readonly undeclared: readonly { readonly name: string; readonly jobs: readonly JobUse[] }[];
}

/** What the stack file of an environment says of its walls. */
export type EnvironmentSettings = ReturnType<typeof settingsOf>;

/**
 * By the same contexts that the program declares, and the same configuration that `ci-config` writes.
 * @param first the environment that gets what is merged
 * @throws CommandError with what is wrong in the stack files or the services
 */
export function readReach(project: Project, first: string): Reach {
  const declarations = readDeclarations(project, first);
  const pipeline = pipelineOf(declarations, { program: "." }, "");
  const environments = [pipeline.first, ...pipeline.promotions].map(({ name }) => settingsOf(project.stackFile(name)));
  const used = usedContexts(pipeline);
  const contexts = environments.flatMap((settings) => {
    const { shared, environment } = declaredContexts(
      contextsArgs(settings, readMonorepo(project, settings.name).services),
    );
    return [...shared, environment].map((context) => ({
      ...context,
      stack: settings.name,
      file: settings.file,
      jobs: used.get(context.name) ?? [],
    }));
  });
  const declared = new Set(contexts.map(({ name }) => name));
  const undeclared = [...used].flatMap(([name, jobs]) => (declared.has(name) ? [] : [{ name, jobs }]));
  return { app: declarations.monorepo.app.name, environments, contexts, undeclared };
}

function settingsOf(stackFile: StackFile) {
  const { name, path: file } = stackFile;
  const settings = stackFile.read(
    "app",
    "environment",
    "images",
    "ci",
    "owns",
    "gitops",
    "github",
    "cluster",
    "promotion",
  );
  const { environment = name } = settings;
  return { ...settings, name, file, environment, hasGitToken: stackFile.hasSecret("gitToken") };
}

/** The jobs that name a context, by the context's name. */
function usedContexts(pipeline: Pipeline): ReadonlyMap<string, readonly JobUse[]> {
  const planned = [
    // What plans a pipeline does so whatever it runs for; a fork's has no context.
    ...invocations(setupConfiguration(pipeline)).flatMap((one) => triggerKinds.map((trigger) => ({ ...one, trigger }))),
    ...triggerKinds.flatMap((trigger) =>
      invocations(continueConfiguration(pipeline, { trigger })).map((one) => ({ ...one, trigger })),
    ),
  ].filter(
    ({ trigger }) =>
      trigger !== "review-of-fork" &&
      (pipeline.previewEnvironments || trigger !== "review-with-environment") &&
      (pipeline.resumes === true || trigger !== "resume"),
  );
  const rollbacks = pipeline.deployMarkers === true ? invocations(rollbackConfiguration(pipeline)) : [];
  const uses: readonly (Invocation & { readonly trigger: JobTrigger })[] = [
    ...planned,
    ...rollbacks.map((one) => ({ ...one, trigger: "rollback" as const })),
  ];
  const byContext = Map.groupBy(
    uses.flatMap(({ contexts, ...use }) => contexts.map((context) => ({ context, ...use }))),
    ({ context }) => context,
  );
  return new Map(
    [...byContext].map(([context, all]) => [
      context,
      [...Map.groupBy(all, ({ job }) => job)].map(([job, same]) => ({
        job,
        triggers: [...triggerKinds, "rollback" as const].filter((kind) => same.some(({ trigger }) => trigger === kind)),
      })),
    ]),
  );
}

interface Invocation {
  readonly job: string;
  readonly contexts: readonly string[];
}

/** The jobs of all workflows that have contexts. */
function invocations({ workflows }: CircleConfig): Invocation[] {
  return Object.values(workflows).flatMap(({ jobs }) =>
    jobs.flatMap((invocation) => {
      if (typeof invocation === "string") return [];
      return Object.entries(invocation).flatMap(([job, { name = job, context = [], service }]) => {
        const contexts = [context].flat();
        if (contexts.length === 0) return [];
        return [{ job: service === undefined ? name : `${name.replace(/-.*/, "")}-…`, contexts }];
      });
    }),
  );
}
