import { randomUUID } from "node:crypto";
import { badRequest, notFound } from "./api-error.ts";
import { cronProblem } from "./cron.ts";
import { eventPresets } from "./event-presets.ts";
import { inputOf, pathPart } from "./input.ts";
import type { Input } from "./input.ts";
import { definitionOf } from "./pipeline-definitions.ts";
import { projectById } from "./projects.ts";
import { created, message, ok, route } from "./router.ts";
import type { ApiRequest, Route } from "./router.ts";
import type { EventSource, Trigger } from "./state.ts";
import { triggerView } from "./trigger-view.ts";

const ofDefinition = "/projects/{project}/pipeline-definitions/{definition}/triggers";
const one = "/projects/{project}/triggers/{trigger}";

/** What starts a pipeline. Source: https://circleci.com/docs/api/v2/ (tag Trigger). */
export const triggerRoutes: readonly Route[] = [
  route("GET", ofDefinition, (request) => {
    const definition = definitionOf(request);
    const triggers = request.state.triggers.filter((trigger) => trigger.pipelineDefinitionId === definition.id);
    return ok({ items: triggers.map((trigger) => triggerView(request, trigger)) });
  }),
  route("POST", ofDefinition, (request) => {
    const definition = definitionOf(request);
    const input = inputOf(request);
    const eventSource = newEventSource(input.object("event_source"));
    const byRef = eventSource.provider === "webhook" || eventSource.provider === "schedule";
    const trigger: Trigger = {
      id: randomUUID(),
      projectId: definition.projectId,
      pipelineDefinitionId: definition.id,
      createdAt: new Date().toISOString(),
      eventSource,
      ...(byRef
        ? { eventName: input.string("event_name") }
        : { eventPreset: input.oneOf("event_preset", eventPresets) }),
      ...refs(input, byRef),
      disabled: input.optionalBoolean("disabled") ?? false,
      ...(input.has("parameters") ? { parameters: input.scalars("parameters") } : {}),
    };
    request.state.triggers.push(trigger);
    return created(triggerView(request, trigger, true));
  }),
  route("GET", one, (request) => ok(triggerView(request, triggerOf(request)))),
  route("PATCH", one, (request) => {
    const trigger = triggerOf(request);
    update(trigger, inputOf(request));
    return ok(triggerView(request, trigger));
  }),
  route("DELETE", one, (request) => {
    const { id } = triggerOf(request);
    request.state.triggers = request.state.triggers.filter((trigger) => trigger.id !== id);
    return message("Trigger deleted.");
  }),
];

function triggerOf(request: ApiRequest): Trigger {
  const project = projectById(request.state, pathPart(request, "project"));
  const id = pathPart(request, "trigger");
  const trigger = request.state.triggers.find((known) => known.projectId === project.id && known.id === id);
  if (trigger === undefined) throw notFound("Trigger");
  return trigger;
}

function newEventSource(input: Input): EventSource {
  const provider = input.oneOf("provider", ["github_app", "github_server", "github_oauth", "webhook", "schedule"]);
  if (provider === "webhook")
    return { provider, webhook: { sender: input.object("webhook").string("sender"), secret: randomUUID() } };
  if (provider === "schedule") {
    const schedule = input.object("schedule");
    return {
      provider,
      schedule: {
        cron_expression: cron(schedule),
        attribution_actor: schedule.oneOf("attribution_actor", ["system", "current"]),
      },
    };
  }
  const repo = input.object("repo");
  const fullName = repo.optionalString("full_name");
  return {
    provider,
    repo: { external_id: repo.string("external_id"), ...(fullName === undefined ? {} : { full_name: fullName }) },
  };
}

/** A trigger without a repository of its own must say which commit it means. */
function refs(input: Input, required: boolean): Pick<Trigger, "checkoutRef" | "configRef"> {
  const read = (name: string): string | undefined => (required ? input.string(name) : input.optionalString(name));
  const checkoutRef = read("checkout_ref");
  const configRef = read("config_ref");
  return { ...(checkoutRef === undefined ? {} : { checkoutRef }), ...(configRef === undefined ? {} : { configRef }) };
}

/** The source itself stays what it is; what does not change may be repeated, as the official provider does. */
function update(trigger: Trigger, input: Input): void {
  Object.assign(trigger, refs(input, false));
  if (input.has("event_name")) trigger.eventName = input.string("event_name");
  if (input.has("event_preset")) trigger.eventPreset = input.oneOf("event_preset", eventPresets);
  if (input.has("disabled")) trigger.disabled = input.boolean("disabled");
  if (input.has("parameters")) trigger.parameters = input.scalars("parameters");
  const source = input.object("event_source");
  const { schedule, repo } = trigger.eventSource;
  if (schedule !== undefined && source.has("schedule")) {
    const changes = source.object("schedule");
    if (changes.has("cron_expression")) schedule.cron_expression = cron(changes);
    if (changes.has("attribution_actor"))
      schedule.attribution_actor = changes.oneOf("attribution_actor", ["system", "current"]);
  }
  if (repo !== undefined && source.has("repo")) repo.external_id = source.object("repo").string("external_id");
}

function cron(schedule: Input): string {
  const expression = schedule.string("cron_expression");
  const problem = cronProblem(expression);
  if (problem !== undefined) throw badRequest(`event_source.schedule.cron_expression: ${problem}.`);
  return expression;
}
