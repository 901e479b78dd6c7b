import { setTimeout as sleep } from "node:timers/promises";
import type { Check } from "../../components/service/verify-settings.ts";
import type { CheckOutcome, CheckTarget } from "./check-target.ts";
import { commandCheck } from "./command-check.ts";
import { httpCheck } from "./http-check.ts";
import { metricsCheck } from "./metrics-check.ts";

/** Milliseconds until what has failed is asked a second time: one answer that is lost on the way condemns nothing. */
const secondTry = 1_000;

/**
 * Asks all checks, whatever the others say. One that fails by HTTP or by metrics is asked once more, and what it says then
 * counts; a command runs once.
 * @param withCommands whether those run, too
 * @throws ApiError, UnreachableError where the cluster cannot be asked: then nothing is known
 */
export async function runChecks(
  checks: readonly Check[],
  target: CheckTarget,
  { withCommands }: { withCommands: boolean },
): Promise<readonly CheckOutcome[]> {
  const asked = checks.filter((check) => withCommands || !("command" in check));
  return Promise.all(
    asked.map(async (check) => {
      const first = await runCheck(check, target);
      if (first.passed || "command" in check) return first;
      await sleep(secondTry, undefined, { signal: target.context.signal });
      return runCheck(check, target);
    }),
  );
}

function runCheck(check: Check, target: CheckTarget): Promise<CheckOutcome> {
  if ("command" in check) return commandCheck(check.command, target);
  return "http" in check ? httpCheck(check.http, target) : metricsCheck(check.metrics, target);
}
