import { setTimeout as sleep } from "node:timers/promises";
import { workloadStatus } from "../../../cli/status/workload-status.ts";
import { readRolloutAnalysis } from "../../../cli/verification/rollout-analysis.ts";
import { workloadOf, type RolloutLocation } from "./follow-commit.ts";

/** What happens to a new image that gets some of the pods first. */
export type CanaryEvent =
  /** Its Rollout is to run it. */
  | { readonly kind: "declared" }
  /** Where it is, in words. */
  | { readonly kind: "at"; readonly step: string }
  | { readonly kind: "measured"; readonly detail: string }
  | { readonly kind: "stopped"; readonly reason: string };

const pollMilliseconds = 200;

/** Follows an image through the steps of its Rollout until it is stopped, or runs on all pods. @throws Error if `signal` ends that */
export async function followCanary(
  location: RolloutLocation,
  digest: string,
  onEvent: (event: CanaryEvent) => void,
  signal: AbortSignal,
): Promise<"stopped" | "runs"> {
  const told = new Set<string>();
  const tell = (event: CanaryEvent): void => {
    const key = JSON.stringify(event);
    if (!told.has(key)) onEvent(event);
    told.add(key);
  };
  for (;;) {
    const rollout = await workloadOf(location);
    const { image, health, message } = workloadStatus(rollout);
    if (image.endsWith(digest)) {
      tell({ kind: "declared" });
      const analysis = await readRolloutAnalysis(location.kubernetes, location.namespace, rollout, signal);
      if (analysis !== undefined) tell({ kind: "measured", detail: analysis.detail });
      if (health === "Healthy") return "runs";
      if (health === "Degraded") {
        tell({ kind: "stopped", reason: message ?? "" });
        return "stopped";
      }
      if (message?.startsWith("at ") === true) tell({ kind: "at", step: message });
    } else if (told.size > 0) {
      // Whoever waits for the verdict may be faster than this look.
      return "stopped";
    }
    await sleep(pollMilliseconds, undefined, { signal });
  }
}
