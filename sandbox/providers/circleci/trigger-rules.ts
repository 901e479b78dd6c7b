import { text } from "./resource-type.ts";
import type { Plain } from "./resource-type.ts";

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
export function checkTrigger(inputs: Plain): void {
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
