import { randomUUID } from "node:crypto";
import { cronProblem } from "../cron.ts";
import { eventPresets } from "../runner/github-event.ts";
import type { EventSource, State, Trigger } from "../state.ts";
import { badRequest, notFound } from "./api-error.ts";
import { inputOf, pathPart, type Input } from "./input.ts";
import { definitionOf } from "./pipeline-definitions.ts";
import { projectById } from "./projects.ts";
import { created, messageResponse, ok, route, type ApiRequest, type Json, type Route } from "./router.ts";

const triggersPath = "/projects/{project}/pipeline-definitions/{definition}/triggers";
const triggerPath = "/projects/{project}/triggers/{trigger}";

/** What starts a pipeline. Source: https://circleci.com/docs/api/v2/ (tag Trigger). */
export const triggerRoutes: readonly Route[] = [
  route("GET", triggersPath, (request) => {
    const definition = definitionOf(request);
    const triggers = request.state.triggers.filter((trigger) => trigger.pipelineDefinitionId === definition.id);
    return ok({ items: triggers.map((trigger) => triggerView(request, trigger)) });
  }),
  route("POST", triggersPath, (request) => {
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
  route("GET", triggerPath, (request) => ok(triggerView(request, triggerOf(request)))),
  route("PATCH", triggerPath, (request) => {
    const trigger = triggerOf(request);
    updateTrigger(trigger, inputOf(request));
    return ok(triggerView(request, trigger));
  }),
  route("DELETE", triggerPath, (request) => {
    const { id } = triggerOf(request);
    request.state.triggers = request.state.triggers.filter((trigger) => trigger.id !== id);
    return messageResponse("Trigger deleted.");
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
        cron_expression: cronExpression(schedule),
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
function updateTrigger(trigger: Trigger, input: Input): void {
  Object.assign(trigger, refs(input, false));
  if (input.has("event_name")) trigger.eventName = input.string("event_name");
  if (input.has("event_preset")) trigger.eventPreset = input.oneOf("event_preset", eventPresets);
  if (input.has("disabled")) trigger.disabled = input.boolean("disabled");
  if (input.has("parameters")) trigger.parameters = input.scalars("parameters");
  const source = input.object("event_source");
  const { schedule, repo } = trigger.eventSource;
  if (schedule !== undefined && source.has("schedule")) {
    const changes = source.object("schedule");
    if (changes.has("cron_expression")) schedule.cron_expression = cronExpression(changes);
    if (changes.has("attribution_actor"))
      schedule.attribution_actor = changes.oneOf("attribution_actor", ["system", "current"]);
  }
  if (repo !== undefined && source.has("repo")) repo.external_id = source.object("repo").string("external_id");
}

function cronExpression(schedule: Input): string {
  const expression = schedule.string("cron_expression");
  const problem = cronProblem(expression);
  if (problem !== undefined) throw badRequest(`event_source.schedule.cron_expression: ${problem}.`);
  return expression;
}

/** The account that schedules run as when they do not run as a user. */
const systemActor = { id: "d9b3fcaa-6032-405a-8c75-40079ce33c3e", login: "system-actor", name: "Scheduled" };

/** A trigger as the API shows it; the URL of a webhook is complete only in the answer to its creation. */
function triggerView({ origin, state }: ApiRequest, trigger: Trigger, isNew = false): Json {
  return {
    id: trigger.id,
    created_at: trigger.createdAt,
    checkout_ref: trigger.checkoutRef,
    config_ref: trigger.configRef,
    event_name: trigger.eventName,
    event_preset: trigger.eventPreset,
    event_source: eventSourceView(state, origin, trigger, isNew),
    disabled: trigger.disabled,
    parameters: trigger.parameters,
  };
}

function eventSourceView(state: State, origin: string, trigger: Trigger, isNew: boolean): Json {
  const { provider, repo, webhook, schedule }: EventSource = trigger.eventSource;
  return {
    provider,
    repo: repo === undefined ? undefined : { ...repo },
    webhook:
      webhook === undefined
        ? undefined
        : {
            url: `${origin}/private/soc/e/${trigger.id}?secret=${isNew ? webhook.secret : "*".repeat(10)}`,
            sender: webhook.sender,
          },
    // The aliases "system" and "current" are answered as the account they stand for.
    schedule:
      schedule === undefined
        ? undefined
        : {
            cron_expression: schedule.cron_expression,
            attribution_actor: schedule.attribution_actor === "system" ? systemActor : { ...state.user },
          },
  };
}
