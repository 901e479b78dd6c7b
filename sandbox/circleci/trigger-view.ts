import type { ApiRequest, Json } from "./router.ts";
import type { EventSource, State, Trigger } from "./state.ts";

/** The account that schedules run as when they do not run as a user. */
const systemActor = { id: "d9b3fcaa-6032-405a-8c75-40079ce33c3e", login: "system-actor", name: "Scheduled" };

/** A trigger as the API shows it; the URL of a webhook is complete only in the answer to its creation. */
export function triggerView({ origin, state }: ApiRequest, trigger: Trigger, isNew = false): Json {
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
