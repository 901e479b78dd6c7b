import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { z } from "zod";
import { cronProblem } from "../../../providers/circleci/cron.ts";
import { eventPresets } from "../runner/github-event.ts";
import type { PipelineDefinition, Trigger } from "../state.ts";
import { projectById } from "./projects.ts";
import { answerMessage, bodyOf, notFound, scalarsSchema, textSchema, type ApiContext, type ApiEnv } from "./request.ts";

/** A repository's name comes from GitHub, which nothing here asks: it is what the client says, or absent. */
const repositorySchema = z.object({ external_id: textSchema, full_name: z.string().exactOptional() });

const sourceSchema = z.object({
  provider: z.enum(["github_app", "github_server", "github_oauth", "bitbucket_dc"]),
  repo: repositorySchema,
});

const definitionSchema = z.object({
  name: textSchema,
  description: z.string().default(""),
  config_source: sourceSchema.extend({ file_path: textSchema }),
  checkout_source: sourceSchema,
});

const definitionChangeSchema = z.object({
  name: textSchema.optional(),
  description: textSchema.optional(),
  config_source: z.object({ file_path: textSchema.optional() }).optional(),
  checkout_source: sourceSchema.optional(),
});

/** Where a project's pipelines find their config and their code. */
export const pipelineDefinitions = new Hono<ApiEnv>()
  .basePath("/projects/:project/pipeline-definitions")
  .get("/", (c) => {
    const project = projectById(c.var.state, c.req.param("project"));
    const found = c.var.state.pipelineDefinitions.filter(({ projectId }) => projectId === project.id);
    return c.json({ items: found.map(definitionView) });
  })
  .post("/", (c) => {
    const project = projectById(c.var.state, c.req.param("project"));
    const {
      name,
      description,
      config_source: configSource,
      checkout_source: checkoutSource,
    } = bodyOf(c, definitionSchema);
    const definition: PipelineDefinition = {
      id: randomUUID(),
      projectId: project.id,
      createdAt: new Date().toISOString(),
      name,
      description,
      configSource,
      checkoutSource,
    };
    c.var.state.pipelineDefinitions.push(definition);
    return c.json(definitionView(definition), 201);
  })
  .get("/:definition", (c) => c.json(definitionView(findDefinition(c, c.req.param()))))
  .patch("/:definition", (c) => {
    const definition = findDefinition(c, c.req.param());
    const { name, description, config_source: config, checkout_source: checkout } = bodyOf(c, definitionChangeSchema);
    if (name !== undefined) definition.name = name;
    if (description !== undefined) definition.description = description;
    if (config?.file_path !== undefined)
      definition.configSource = { ...definition.configSource, file_path: config.file_path };
    if (checkout !== undefined) definition.checkoutSource = checkout;
    return c.json(definitionView(definition));
  })
  .delete("/:definition", (c) => {
    const { state } = c.var;
    const { id } = findDefinition(c, c.req.param());
    state.pipelineDefinitions = state.pipelineDefinitions.filter((definition) => definition.id !== id);
    state.triggers = state.triggers.filter((trigger) => trigger.pipelineDefinitionId !== id);
    return answerMessage(c, "Pipeline definition deleted.");
  });

const scheduleSchema = z.object({
  cron_expression: textSchema.superRefine((expression, context) => {
    const problem = cronProblem(expression);
    if (problem !== undefined) context.addIssue(problem);
  }),
  attribution_actor: z.enum(["system", "current"]),
});

const eventSourceSchema = z.discriminatedUnion("provider", [
  z.object({ provider: z.enum(["github_app", "github_server", "github_oauth"]), repo: repositorySchema }),
  z.object({ provider: z.literal("webhook"), webhook: z.object({ sender: textSchema }) }),
  z.object({ provider: z.literal("schedule"), schedule: scheduleSchema }),
]);

const triggerSchema = z.object({
  checkout_ref: z.string().optional(),
  config_ref: z.string().optional(),
  disabled: z.boolean().default(false),
  parameters: scalarsSchema.optional(),
});

const repositoryTriggerSchema = triggerSchema.extend({ event_preset: z.enum(eventPresets) });

/** A trigger without a repository of its own must say which commit it means. */
const otherTriggerSchema = triggerSchema.extend({
  event_name: textSchema,
  checkout_ref: textSchema,
  config_ref: textSchema,
});

/** The source itself stays what it is; what does not change may be repeated, as the official provider does. */
const triggerChangeSchema = z.object({
  event_name: textSchema.optional(),
  event_preset: z.enum(eventPresets).optional(),
  checkout_ref: z.string().optional(),
  config_ref: z.string().optional(),
  disabled: z.boolean().optional(),
  parameters: scalarsSchema.optional(),
  event_source: z
    .object({
      schedule: scheduleSchema.partial().optional(),
      repo: z.object({ external_id: textSchema.optional() }).optional(),
    })
    .optional(),
});

/** What starts a pipeline. Source: https://circleci.com/docs/api/v2/ (tag Trigger). */
export const triggers = new Hono<ApiEnv>()
  .get("/projects/:project/pipeline-definitions/:definition/triggers", (c) => {
    const definition = findDefinition(c, c.req.param());
    const found = c.var.state.triggers.filter((trigger) => trigger.pipelineDefinitionId === definition.id);
    return c.json({ items: found.map((trigger) => triggerView(c, trigger)) });
  })
  .post("/projects/:project/pipeline-definitions/:definition/triggers", (c) => {
    const definition = findDefinition(c, c.req.param());
    const { event_source: source } = bodyOf(c, z.object({ event_source: eventSourceSchema }));
    const requested = "repo" in source ? bodyOf(c, repositoryTriggerSchema) : bodyOf(c, otherTriggerSchema);
    const trigger: Trigger = {
      id: randomUUID(),
      projectId: definition.projectId,
      pipelineDefinitionId: definition.id,
      createdAt: new Date().toISOString(),
      eventSource: "webhook" in source ? { ...source, webhook: { ...source.webhook, secret: randomUUID() } } : source,
      eventName: "event_name" in requested ? requested.event_name : undefined,
      eventPreset: "event_preset" in requested ? requested.event_preset : undefined,
      checkoutRef: requested.checkout_ref,
      configRef: requested.config_ref,
      disabled: requested.disabled,
      parameters: requested.parameters,
    };
    c.var.state.triggers.push(trigger);
    return c.json(triggerView(c, trigger, true), 201);
  })
  .get("/projects/:project/triggers/:trigger", (c) => c.json(triggerView(c, findTrigger(c, c.req.param()))))
  .patch("/projects/:project/triggers/:trigger", (c) => {
    const trigger = findTrigger(c, c.req.param());
    const changes = bodyOf(c, triggerChangeSchema);
    trigger.eventName = changes.event_name ?? trigger.eventName;
    trigger.eventPreset = changes.event_preset ?? trigger.eventPreset;
    trigger.checkoutRef = changes.checkout_ref ?? trigger.checkoutRef;
    trigger.configRef = changes.config_ref ?? trigger.configRef;
    trigger.disabled = changes.disabled ?? trigger.disabled;
    trigger.parameters = changes.parameters ?? trigger.parameters;
    const { schedule, repo } = trigger.eventSource;
    if (schedule !== undefined) Object.assign(schedule, changes.event_source?.schedule);
    if (repo !== undefined) Object.assign(repo, changes.event_source?.repo);
    return c.json(triggerView(c, trigger));
  })
  .delete("/projects/:project/triggers/:trigger", (c) => {
    const { id } = findTrigger(c, c.req.param());
    c.var.state.triggers = c.var.state.triggers.filter((trigger) => trigger.id !== id);
    return answerMessage(c, "Trigger deleted.");
  });

function findDefinition(c: ApiContext, path: { project: string; definition: string }): PipelineDefinition {
  const project = projectById(c.var.state, path.project);
  const definition = c.var.state.pipelineDefinitions.find(
    (known) => known.projectId === project.id && known.id === path.definition,
  );
  if (definition === undefined) throw notFound("Pipeline definition");
  return definition;
}

function findTrigger(c: ApiContext, path: { project: string; trigger: string }): Trigger {
  const project = projectById(c.var.state, path.project);
  const trigger = c.var.state.triggers.find((known) => known.projectId === project.id && known.id === path.trigger);
  if (trigger === undefined) throw notFound("Trigger");
  return trigger;
}

function definitionView(definition: PipelineDefinition) {
  return {
    id: definition.id,
    name: definition.name,
    description: definition.description,
    created_at: definition.createdAt,
    config_source: definition.configSource,
    checkout_source: definition.checkoutSource,
  };
}

/** The account that schedules run as when they do not run as a user. */
const systemActor = { id: "d9b3fcaa-6032-405a-8c75-40079ce33c3e", login: "system-actor", name: "Scheduled" };

/** A trigger as the API shows it; the URL of a webhook is complete only in the answer to its creation. */
function triggerView({ var: { state, origin } }: ApiContext, trigger: Trigger, isNew = false) {
  const { provider, repo, webhook, schedule } = trigger.eventSource;
  const secret = isNew ? webhook?.secret : "*".repeat(10);
  return {
    id: trigger.id,
    created_at: trigger.createdAt,
    checkout_ref: trigger.checkoutRef,
    config_ref: trigger.configRef,
    event_name: trigger.eventName,
    event_preset: trigger.eventPreset,
    event_source: {
      provider,
      repo,
      webhook: webhook && {
        url: `${origin}/private/soc/e/${trigger.id}?secret=${secret}`,
        sender: webhook.sender,
      },
      // The aliases "system" and "current" are answered as the account they stand for.
      schedule: schedule && {
        cron_expression: schedule.cron_expression,
        attribution_actor: schedule.attribution_actor === "system" ? systemActor : state.user,
      },
    },
    disabled: trigger.disabled,
    parameters: trigger.parameters,
  };
}
