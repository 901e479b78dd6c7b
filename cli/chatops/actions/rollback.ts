import { command as rollbackCommand } from "../../commands/rollback.ts";
import { Refusal } from "../answers.ts";
import { assertMayDeploy, assertMerged, assertOfSource } from "../assertions.ts";
import type { ChatAction } from "../chat-context.ts";
import { alreadyDone, commandedEnvironment, mergedChange, runOnBehalf, whereaboutsOf } from "../deployments.ts";

type Rollback = { readonly environment: string; readonly service: string };

/**
 * Takes a merged pull request out of what a service runs: it runs again what it ran before the pull request came there. So the
 * same comment twice is once, where a second rollback would take the first one back.
 */
export const rollback: ChatAction<Rollback> = async ({ environment: name, service }, request) => {
  assertOfSource(request);
  const environment = commandedEnvironment(request, name);
  assertMerged(request);
  await assertMayDeploy(request, environment.repository);
  const done = await alreadyDone(environment, request, `rollback(${name}): `, service);
  if (done !== undefined) return done;
  const change = await mergedChange(request, name);
  if (!change.services.includes(service))
    throw new Refusal(
      `the pull request does not concern ${service}: it concerns ${change.services.join(", ") || "no service"}`,
    );
  const [found] = await whereaboutsOf(environment, [service], change);
  if (found === undefined) throw new Refusal(`${name} has no service ${service}`);
  if (found.state !== "there" || found.releaseCommit === null)
    throw new Refusal(
      found.state === "unknown"
        ? `whether ${name} runs it is not known: the record of ${service} names no commit that is known here`
        : `${name} does not run it in ${service}${found.state === "gone" ? " any more" : ""}`,
    );
  const args = ["--env", name, "--service", service, "--to", `${found.releaseCommit}~1`];
  return runOnBehalf(rollbackCommand, [...args, ...request.checks], request);
};
