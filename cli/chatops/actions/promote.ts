import { command as promoteCommand } from "../../commands/promote.ts";
import { findEnvironment } from "../../project/environment.ts";
import { Refusal } from "../answers.ts";
import { assertMayDeploy, assertMerged, assertNotHeld, assertOfSource } from "../assertions.ts";
import type { ChatAction } from "../chat-context.ts";
import { alreadyDone, commandedEnvironment, mergedChange, runOnBehalf, whereaboutsOf } from "../deployments.ts";

/**
 * Promotes the services that a merged pull request concerns, once all of them run with it where digests come from. Where a person
 * must approve, it opens the pull request for that.
 */
export const promote: ChatAction<{ readonly environment: string }> = async ({ environment: name }, request) => {
  assertOfSource(request);
  const to = commandedEnvironment(request, name);
  const promotion = request.project.stackFile(name).find("promotion")?.promotion;
  if (promotion === undefined) throw new Refusal(`${name} gets what is merged, and nothing by promotion`);
  assertMerged(request);
  assertNotHeld(request);
  await assertMayDeploy(request, to.repository);
  const done = await alreadyDone(to, request, `promote(${promotion.from} → ${name}): `);
  if (done !== undefined) return done;
  const change = await mergedChange(request, name);
  const from = findEnvironment(request.project, promotion.from, {});
  const tested = await whereaboutsOf(from, change.services, change);
  if (tested.length === 0) throw new Refusal(`${from.name} has no service that the pull request concerns`);
  const missing = tested.filter(({ state }) => state !== "there").map(({ service }) => service);
  if (missing.length > 0)
    throw new Refusal(
      `${from.name} does not run it in ${missing.join(", ")}: only what runs there is promoted to ${name}`,
    );
  const deployed = await whereaboutsOf(to, change.services, change);
  const known = new Set(deployed.map(({ service }) => service));
  const services = tested.map(({ service }) => service).filter((service) => known.has(service));
  if (services.length === 0)
    throw new Refusal(`${name} has no service that the pull request concerns; run \`pulumi up\``);
  const deploy = request.places.deploys.get(to.repository);
  const byPullRequest = ["--pull-request", ...(deploy === undefined ? [] : ["--github-repository", deploy.name])];
  const named = services.flatMap((service) => ["--service", service]);
  return runOnBehalf(
    promoteCommand,
    ["--to", name, ...named, ...(promotion.approval ? byPullRequest : []), ...request.checks],
    request,
  );
};
