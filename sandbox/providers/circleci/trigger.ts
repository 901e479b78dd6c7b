import { Answer, CircleCiError, part } from "./api.ts";
import { cronProblem } from "./cron.ts";
import { optional, present, required, text, twoParts, type Plain, type ResourceType } from "./resource-type.ts";

const stable = { type: "string", kind: "computed", stable: true } as const;

export const trigger: ResourceType = {
  token: "circleci:index/trigger:Trigger",
  fields: {
    id: stable,
    projectId: required,
    pipelineId: required,
    createdAt: stable,
    checkoutRef: optional,
    configRef: optional,
    disabled: { type: "boolean", kind: "settled", default: false },
    eventName: optional,
    eventPreset: optional,
    eventSourceProvider: required,
    eventSourceRepoExternalId: optional,
    eventSourceRepoFullName: stable,
    eventSourceScheduleAttributionActor: {
      type: "string",
      kind: "settled",
      problem: (value) => (value === "system" || value === "current" ? undefined : "must be system or current"),
    },
    eventSourceScheduleCronExpression: { ...optional, problem: cronProblem },
    eventSourceWebHookSender: optional,
    eventSourceWebHookUrl: { ...stable, secret: true },
    parameters: { type: "object", kind: "optional" },
  },
  hasId: true,
  importForm: "projectId/triggerId",
  importState: (id) => twoParts(id, "projectId", "id"),
  async create(api, inputs) {
    assertTriggerInputs(inputs);
    const [projectId, pipelineId] = [text(inputs, "projectId"), text(inputs, "pipelineId")];
    const at = `/projects/${part(projectId)}/pipeline-definitions/${part(pipelineId)}/triggers`;
    const made = outputs(
      inputs,
      await api.call(`create a trigger of pipeline ${pipelineId}`, "POST", at, body(inputs)),
    );
    // The official provider asks again for the time of creation. Where that fails, nothing notes the trigger.
    const found = new Answer(await api.call(`read ${describe(made)}`, "GET", path(made)));
    return present({ ...made, createdAt: found.optionalText("created_at"), eventName: inputs["eventName"] });
  },
  async read(api, state) {
    try {
      return outputs(state, await api.call(`read ${describe(state)}`, "GET", path(state)));
    } catch (error) {
      if (error instanceof CircleCiError && error.status === 404) return undefined;
      throw error;
    }
  },
  async update(api, state, inputs) {
    assertTriggerInputs(inputs);
    const at = { ...state, projectId: text(inputs, "projectId") };
    const known = { ...inputs, eventSourceWebHookUrl: state["eventSourceWebHookUrl"] ?? "" };
    const updated = await api.call(`update ${describe(at)}`, "PATCH", path(at), body(known));
    const after = outputs(inputs, updated);
    // What is not there comes back as an empty text after an update, and only then.
    const actor = text(inputs, "eventSourceProvider") === "schedule" ? {} : { eventSourceScheduleAttributionActor: "" };
    return { checkoutRef: "", configRef: "", ...actor, ...after };
  },
  async delete(api, state) {
    await api.call(`delete ${describe(state)}`, "DELETE", path(state));
  },
};

/** What is sent: only what is set. */
function body(inputs: Plain): unknown {
  const provider = text(inputs, "eventSourceProvider");
  const member = (name: string): unknown => (inputs[name] === "" ? undefined : inputs[name]);
  const whole = { url: member("eventSourceWebHookUrl"), sender: member("eventSourceWebHookSender") };
  const schedule = {
    cron_expression: inputs["eventSourceScheduleCronExpression"],
    attribution_actor: inputs["eventSourceScheduleAttributionActor"],
  };
  const repoId = member("eventSourceRepoExternalId");
  return {
    event_name: member("eventName"),
    checkout_ref: member("checkoutRef"),
    config_ref: member("configRef"),
    event_preset: member("eventPreset"),
    event_source: {
      provider,
      repo: repoId === undefined ? undefined : { external_id: repoId },
      webhook: provider === "webhook" ? whole : undefined,
      schedule: provider === "schedule" ? schedule : undefined,
    },
    disabled: inputs["disabled"] === true,
    parameters: inputs["parameters"],
  };
}

/** A trigger's properties from the API's answer; `known` gives what the API does not say, or says in another form. */
function outputs(known: Plain, answer: unknown): Plain {
  const found = new Answer(answer);
  const source = found.object("event_source");
  const parameters = found.scalars("parameters");
  const filled = (value: string | undefined): string | undefined => (value === "" ? undefined : value);
  const actor = filled(source.object("schedule").object("attribution_actor").optionalText("id"));
  return present({
    id: found.text("id"),
    projectId: known["projectId"],
    pipelineId: known["pipelineId"],
    createdAt: found.optionalText("created_at"),
    checkoutRef: filled(found.optionalText("checkout_ref")),
    configRef: filled(found.optionalText("config_ref")),
    disabled: found.boolean("disabled"),
    eventName: filled(found.optionalText("event_name")),
    eventPreset: filled(found.optionalText("event_preset")),
    eventSourceProvider: source.optionalText("provider"),
    eventSourceRepoExternalId: filled(source.object("repo").optionalText("external_id")),
    eventSourceRepoFullName: filled(source.object("repo").optionalText("full_name")),
    // "system" comes back as the account it stands for, which would be a difference for ever.
    eventSourceScheduleAttributionActor: known["eventSourceScheduleAttributionActor"] ?? actor,
    eventSourceScheduleCronExpression: filled(source.object("schedule").optionalText("cron_expression")),
    eventSourceWebHookSender: filled(source.object("webhook").optionalText("sender")),
    eventSourceWebHookUrl: source.object("webhook").optionalText("url") ?? "",
    parameters: Object.keys(parameters).length === 0 ? undefined : parameters,
  });
}

function path(state: Plain): string {
  return `/projects/${part(text(state, "projectId"))}/triggers/${part(text(state, "id"))}`;
}

function describe(state: Plain): string {
  return `trigger ${text(state, "id")} of project ${text(state, "projectId")}`;
}

const needed: Record<string, readonly string[]> = {
  github_app: ["eventPreset", "eventSourceRepoExternalId"],
  github_server: ["eventPreset", "eventSourceRepoExternalId"],
  webhook: ["eventName", "eventSourceWebHookSender"],
  schedule: [
    "eventName",
    "checkoutRef",
    "configRef",
    "eventSourceScheduleCronExpression",
    "eventSourceScheduleAttributionActor",
  ],
};

/** Refuses a trigger that lacks what its event source needs, or has what it cannot use, before the API is asked. */
function assertTriggerInputs(inputs: Plain): void {
  const provider = text(inputs, "eventSourceProvider");
  const wanted = needed[provider];
  if (wanted === undefined) {
    throw new Error(
      `eventSourceProvider ${JSON.stringify(provider)}: must be one of ${Object.keys(needed).join(", ")}`,
    );
  }
  const missing = wanted.filter((name) => inputs[name] === undefined || inputs[name] === "");
  if (missing.length > 0)
    throw new Error(`a CircleCI trigger whose eventSourceProvider is ${provider} needs ${missing.join(", ")}`);
  if (provider.startsWith("github") && inputs["eventName"] !== undefined) {
    throw new Error(
      `a CircleCI trigger whose eventSourceProvider is ${provider} takes no eventName; its events are chosen by eventPreset`,
    );
  }
  if (provider !== "schedule" && inputs["parameters"] !== undefined) {
    throw new Error(
      `a CircleCI trigger whose eventSourceProvider is ${provider} does not support parameters; only schedule does`,
    );
  }
}
