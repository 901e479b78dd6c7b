import type { Promotion } from "./pipeline.ts";
import type { Call } from "./workflow-call.ts";

/** How long a release may take until it is Healthy, in minutes. */
const rollout = 15;

/** How long a promotion waits until what it promotes has been healthy long enough, in minutes; `undefined`: not at all. */
export function healthWait({ healthyMinutes }: Promotion): number | undefined {
  return healthyMinutes === undefined ? undefined : healthyMinutes + rollout;
}

/**
 * The job that promotes, after a person's approval if it takes one.
 * @param first the environment that CI releases to
 * @param released the jobs after which that has the digests
 */
export function promotionCalls(promotion: Promotion, first: string, released: readonly string[]): Call[] {
  const { from, name, context, approval } = promotion;
  const before = from === first ? released : [`promote-${from}`];
  const approve = { job: "approval", name: `approve-${name}`, requires: before };
  const wait = healthWait(promotion);
  const options = [...(wait === undefined ? [] : [`--wait ${wait}m`]), ...(approval ? ["--approved"] : [])].join(" ");
  const promote = {
    job: "promote",
    name: `promote-${name}`,
    requires: approval ? [approve.name] : before,
    context,
    parameters: { environment: name, ...(options === "" ? {} : { options }) },
  };
  return approval ? [approve, promote] : [promote];
}
