import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, shortDigest } from "../../git/records.ts";
import { ciRun } from "../ci-run.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { githubHelp } from "../github/access.ts";
import { duration, environmentName, type OptionTable, type OptionValues } from "../options.ts";
import { clusterHelp } from "../project/cluster.ts";
import {
  environmentHelp,
  environmentOptions,
  environmentTitle,
  findEnvironment,
  type DeliveryEnvironment,
} from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry/open-registry.ts";
import { deployMarkerOptions, listDeploys, type DeployMarker } from "../release/deploy-markers.ts";
import { assertServicesKnown } from "../release/unknown-services.ts";
import { urgentLimits } from "../verification/lost-images.ts";
import { recentOutcomes } from "../verification/recent-outcomes.ts";
import { breakGlassOption } from "../release/waiting.ts";
import { rulesOf } from "../verification/rules.ts";
import { tellGitHub } from "../verification/tell-github.ts";
import type { VerifiedService } from "../verification/verify.ts";
import { openWaves, verifyWaves } from "../verification/waves.ts";

const options = {
  env: { value: "ENVIRONMENT", parse: environmentName, required: true, help: "e.g. dev" },
  service: {
    value: "NAME",
    multiple: true,
    help: "this service, whatever was found of it before; once per service",
    defaultText: "all that wait for a verdict",
  },
  wait: {
    value: "DURATION",
    parse: duration,
    default: "24h",
    help: `how long to wait for verdicts, e.g. 15m. What cannot be over by then is left, without a failure, to the next
      \`delivery verify\``,
  },
  "break-glass": {
    ...breakGlassOption["break-glass"],
    help: "bring what has passed to the next wave of clusters although no window is open; the commit says why",
  },
  unverified: {
    help: "do not ask the registry whether it still has what runs again in place of what has failed",
  },
  json: { help: "print the result as JSON" },
  ...deployMarkerOptions,
  ...environmentOptions,
  ...registryOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "have what was released prove itself, or take it back",
  description: [
    `Waits until every pod of a service runs the digest that its release record names, and none another one, and all are well
    for as long as verify of the stack file says; then asks its checks. What passes is noted in the record. What does not
    is taken back by one commit: the service runs again what it ran before, and the digest does not come back by itself.
    What the registry has lost by then is passed over. Others that were released with it stay.`,
    `What is known lies in Git and on the cluster, so any run goes on where another one has ended, and several at a time do no
    harm. A release that has been followed by another one is superseded: nothing is written of it.`,
    `Where an environment has several clusters (clusters), what has passed on all clusters of a wave is released to the next
    one, by a commit of its own, and has to prove itself there. What fails in one is taken back in all, by one commit.`,
  ],
  usage: ["verify --env ENVIRONMENT [--service NAME …] [OPTIONS]"],
  options,
  notes: [
    `Exit status: 0 all have passed, or are left to a later run; 1 something has failed, or the cluster cannot be asked.`,
    clusterHelp,
    `${githubHelp} With it, commits of the monorepo get a status, and pull requests hear of what has failed.`,
    ...environmentHelp,
    registryHelp,
  ],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const project = new Project();
  const environment = findEnvironment(project, flags.env, flags);
  const { service: services } = flags;
  if (services !== undefined) await assertKnown(environment, services);
  const link = ciRun(context.environment).link;
  const waves = openWaves(project, environment, context);
  const { verified, refusal } = await verifyWaves({
    project,
    waves,
    rulesOf: rulesOf(project, environment.name),
    services,
    wait: flags.wait,
    link,
    breakGlass: flags["break-glass"],
    registry: flags.unverified ? undefined : await openRegistry(flags, context, urgentLimits),
    context,
  });
  await tellGitHub(
    project.stackFile(environment.name),
    { found: verified, recent: () => recentOutcomes(environment) },
    link,
    context,
  );
  report(environment, verified, flags.json, context);
  if (flags["deploy-markers"]) await listDeploys(environment.name, verdicts(verified), context);
  const isSingle = waves.length === 1;
  if (refusal !== undefined && !isSingle) context.note(refusal.message);
  const unanswered = isSingle ? refusal?.message : refusal && `${environment.name}: not all clusters have answered`;
  const problems = [unanswered, failureOf(environment, verified)].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new CommandError(problems.join("\n"));
}

function assertKnown(environment: DeliveryEnvironment, services: readonly string[]): Promise<void> {
  return readBranch(environment, async (snapshot) =>
    assertServicesKnown(environment, await readRecords(snapshot, environment.directory), services),
  );
}

function report(
  { name }: DeliveryEnvironment,
  verified: readonly VerifiedService[],
  json: boolean,
  { print }: CommandContext,
): void {
  if (json) {
    const services = verified.map(({ service, digest, wave, outcome }) => ({
      service,
      digest,
      ...(wave === undefined ? {} : { wave }),
      ...outcome,
    }));
    return print(JSON.stringify({ environment: name, services }));
  }
  if (verified.length === 0) return print(`${name}: nothing waits for a verdict`);
  for (const one of verified) {
    const title = environmentTitle({ name, wave: one.wave === undefined ? undefined : { number: one.wave } });
    print(`${title}: ${line(one)}`);
  }
}

/** One of each service: what has failed in one wave of clusters has failed. */
function verdicts(verified: readonly VerifiedService[]): readonly DeployMarker[] {
  const known = verified.flatMap(({ outcome, ...one }): DeployMarker[] => {
    if (outcome.state === "failed") return [{ ...one, failure: outcome.evidence }];
    return outcome.state === "passed" ? [one] : [];
  });
  return [...Map.groupBy(known, ({ service }) => service).values()].flatMap((waves) => {
    const [first] = waves;
    return waves.find(({ failure }) => failure !== undefined) ?? first ?? [];
  });
}

function line({ service, digest, outcome }: VerifiedService): string {
  const start = `${service} ${shortDigest(digest)}`;
  switch (outcome.state) {
    case "passed":
      return `${start} has passed: ${outcome.evidence}`;
    case "failed": {
      const stays = outcome.stays === undefined ? "" : `, since ${outcome.stays}`;
      const now = outcome.back === null ? `it still runs${stays}` : `taken back to ${shortDigest(outcome.back)}`;
      return `${start} has failed: ${outcome.evidence}; ${now}`;
    }
    case "pending":
      return `${start} has no verdict yet, and the next \`delivery verify\` goes on: ${outcome.detail}`;
    case "superseded":
      return `${start} is ${outcome.detail}`;
  }
}

/** @returns `undefined`: none has failed */
function failureOf({ name }: DeliveryEnvironment, verified: readonly VerifiedService[]): string | undefined {
  const failed = verified.filter(({ outcome }) => outcome.state === "failed");
  if (failed.length === 0) return undefined;
  const services = [...new Set(failed.map(({ service }) => service))].join(", ");
  return `${name}: ${services} has not proved itself\n${failed.map((one) => `  ${line(one)}`).join("\n")}`;
}
