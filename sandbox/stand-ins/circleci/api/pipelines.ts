import { Hono, type Context } from "hono";
import { z } from "zod";
import { ConfigError } from "../../../../circleci/yaml.ts";
import type { Pipeline, PipelineSource, PipelineStart } from "../runner/records.ts";
import { knownRepository } from "../runner/triggers.ts";
import type { PipelineDefinition } from "../state.ts";
import { projectById, projectOf } from "./projects.ts";
import { answerMessage, badRequest, bodyOf, notFound, page, scalarsSchema, textSchema } from "./request.ts";
import type { ApiContext, ApiEnv } from "./request.ts";
import { workflowView } from "./workflows.ts";

const refSchema = z.object({ branch: z.string().optional(), tag: z.string().optional() });
/** In the form of `pipeline/run`, or in the older one with branch and tag. */
const startSchema = refSchema.extend({
  definition_id: z.string().optional(),
  checkout: refSchema.optional(),
  config: z.strictObject({ branch: z.string().optional() }).optional(),
  parameters: scalarsSchema.default({}),
});

type ProjectContext = Context<ApiEnv, "/project/:vcs/:organization/:project">;

/** Source: https://circleci.com/docs/api/v2/ (tag Pipeline) */
export const pipelines = new Hono<ApiEnv>()
  .get("/project/:vcs/:organization/:project/pipeline", (c) => {
    const branch = c.req.query("branch");
    const found = pipelinesOf(c).filter(({ source }) => branch === undefined || source.branch === branch);
    return page(c, found.toReversed().map(pipelineView));
  })
  .post("/project/:vcs/:organization/:project/pipeline", startPipeline)
  .post("/project/:vcs/:organization/:project/pipeline/run", startPipeline)
  .get("/project/:vcs/:organization/:project/pipeline/:number", (c) => {
    const found = pipelinesOf(c).find(({ number }) => String(number) === c.req.param("number"));
    if (found === undefined) throw notFound("Pipeline");
    return c.json(pipelineView(found));
  })
  .post("/projects/:project/rollback", rollBack)
  .get("/pipeline/:pipeline", (c) => c.json(pipelineView(findPipeline(c, c.req.param("pipeline")))))
  .get("/pipeline/:pipeline/workflow", (c) => {
    const pipeline = findPipeline(c, c.req.param("pipeline"));
    const newestFirst = pipeline.workflows.toReversed();
    return page(
      c,
      newestFirst.map((workflow) => workflowView(pipeline, workflow)),
    );
  });

const continuationSchema = z.object({
  "continuation-key": textSchema,
  configuration: textSchema,
  parameters: scalarsSchema.default({}),
});

/** Needs no token: the key is known to the pipeline's setup job only, and works once. */
export const continuation = new Hono<ApiEnv>().post("/pipeline/continue", (c) => {
  const { engine } = c.var;
  const { "continuation-key": key, configuration, parameters } = bodyOf(c, continuationSchema);
  const pipeline = engine.folder.all().find(({ continuationKey }) => continuationKey === key);
  if (pipeline === undefined) throw badRequest("The continuation key is unknown, or has been used.");
  const isConflict = Object.entries(parameters).some(
    ([name, value]) => pipeline.parameters[name] !== undefined && pipeline.parameters[name] !== value,
  );
  if (isConflict) throw badRequest("Conflicting pipeline parameters.");
  try {
    engine.continue(pipeline, configuration, parameters);
  } catch (error) {
    if (error instanceof ConfigError) throw badRequest(error.message);
    throw error;
  }
  return answerMessage(c, "Accepted.");
});

function findPipeline({ var: { engine } }: ApiContext, id: string): Pipeline {
  const found = engine.folder.all().find((known) => known.id === id.toLowerCase());
  if (found === undefined) throw notFound("Pipeline");
  return found;
}

function pipelinesOf(c: ProjectContext): Pipeline[] {
  const { project } = projectOf(c);
  return c.var.engine.folder.all().filter(({ projectId }) => projectId === project.id);
}

function startPipeline(c: ProjectContext): Response {
  const { engine, state } = c.var;
  const { project } = projectOf(c);
  const { definition_id: id, checkout, config, parameters, ...refs } = bodyOf(c, startSchema);
  const definition = state.pipelineDefinitions.find(
    (one) => one.projectId === project.id && (id === undefined || one.id === id),
  );
  if (definition === undefined) throw badRequest("The project has no such pipeline definition.");
  const started = engine.start(startOf(c, definition, { refs: checkout ?? refs, config, parameters }));
  const { id: pipelineId, number, state: pipelineState, createdAt } = started;
  return c.json({ id: pipelineId, number, state: pipelineState, created_at: createdAt }, 201);
}

interface StartSettings extends Pick<PipelineStart, "parameters"> {
  readonly refs: z.infer<typeof refSchema>;
  readonly config?: { readonly branch?: string | undefined } | undefined;
  /** Pipeline values, without `pipeline.`. @default none */
  readonly values?: PipelineStart["trigger"]["values"];
}

function startOf(
  { var: { engine } }: ApiContext,
  definition: PipelineDefinition,
  { refs, config, parameters, values = {} }: StartSettings,
): PipelineStart {
  const known = knownRepository(definition, engine.folder.all());
  if (known === undefined)
    throw badRequest("Nothing was ever pushed to the definition's repository, so nothing is known of it here.");
  return {
    projectId: definition.projectId,
    trigger: {
      type: "api",
      provider: "api",
      definitionId: definition.id,
      configPath: definition.configSource.file_path,
      ...(config?.branch === undefined ? {} : { configBranch: config.branch }),
      receivedAt: new Date().toISOString(),
      event: "api",
      action: "api",
      values,
    },
    source: { ...known, revision: "", ...sourceRef(refs, known.defaultBranch) },
    parameters,
  };
}

const rollbackSchema = z.object({
  component_name: textSchema,
  environment_name: textSchema,
  current_version: textSchema,
  target_version: textSchema,
  namespace: z.string().default("default"),
  reason: z.string().default(""),
  parameters: scalarsSchema.default({}),
});

/**
 * What the page of deploys does as well. Which of a project's pipelines rolls back is chosen in CircleCI's web app; here it is the
 * one of that name. What such a pipeline says of its trigger is not documented: here it is the API, to which contexts are strictest.
 */
function rollBack(c: Context<ApiEnv, "/projects/:project/rollback">): Response {
  const { engine, state } = c.var;
  const project = projectById(state, c.req.param("project"));
  const { parameters, ...chosen } = bodyOf(c, rollbackSchema);
  const definition = state.pipelineDefinitions.find(
    ({ projectId, name }) => projectId === project.id && name === "rollback",
  );
  if (definition === undefined) throw badRequest("The project has no rollback pipeline.");
  const values = Object.fromEntries(Object.entries(chosen).map(([name, value]) => [`deploy.${name}`, value]));
  const { id } = engine.start(startOf(c, definition, { refs: {}, parameters, values }));
  return c.json({ id, rollback_type: "PIPELINE" }, 202);
}

function sourceRef(
  { branch, tag }: z.infer<typeof refSchema>,
  defaultBranch: string,
): Pick<PipelineSource, "branch" | "tag"> {
  if (tag !== undefined && branch !== undefined) throw badRequest("branch and tag are mutually exclusive.");
  return tag === undefined ? { branch: branch ?? defaultBranch } : { tag };
}

function pipelineView({ source, trigger, values, ...pipeline }: Pipeline) {
  const url = source.cloneUrl.replace(/\.git$/, "");
  return {
    id: pipeline.id,
    number: pipeline.number,
    project_slug: pipeline.projectSlug,
    state: pipeline.state,
    errors: pipeline.errors.map(({ type, message }) => ({ type, message })),
    created_at: pipeline.createdAt,
    updated_at: pipeline.updatedAt,
    trigger: {
      type: trigger.type,
      received_at: trigger.receivedAt,
      actor: { login: trigger.type === "webhook" ? source.fullName.split("/")[0] : "sandbox", avatar_url: null },
    },
    trigger_parameters: pipeline.parameters,
    vcs: {
      provider_name: "GitHub",
      target_repository_url: url,
      origin_repository_url: source.fork?.cloneUrl.replace(/\.git$/, "") ?? url,
      branch: source.branch,
      tag: source.tag,
      revision: source.revision,
      review_url: source.pullRequestUrl,
      commit: { subject: values["git.commit.subject"] ?? "", body: values["git.commit.body"] ?? "" },
    },
  };
}
