import { summarize, type Released } from "../../git/records.ts";
import { defineCommand, type CommandContext } from "../command.ts";
import { duration, environmentName, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { githubHelp, githubOf, githubSettings } from "../github/access.ts";
import { clusterHelp } from "../project/cluster.ts";
import {
  assertNoneWithheld,
  migrationHelp,
  migrationOptions,
  releaseMigrated,
} from "../migrations/release-migrated.ts";
import { environmentHelp, environmentOptions, findEnvironment } from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import { assertNotMoved, promotionTo, rolledBackLines } from "../promotion/candidates.ts";
import { approvalTrailer, askGates, assertGatesPassed } from "../promotion/gates.ts";
import { promotionBranch, propose, repositoryName } from "../promotion/pull-request.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry/open-registry.ts";
import { assertImagesExist } from "../release/assert-images-exist.ts";
import { report } from "../release/report.ts";

const options = {
  to: {
    value: "ENVIRONMENT",
    parse: environmentName,
    required: true,
    help: "where the digests are to run, e.g. staging",
  },
  from: {
    value: "ENVIRONMENT",
    help: "where they were tested, e.g. dev",
    defaultText: "promotion.from of the stack file",
  },
  service: {
    value: "NAME",
    multiple: true,
    help: "only this service; once per service",
    defaultText: "all that both environments have",
  },
  approved: { help: "a person has approved" },
  wait: {
    value: "DURATION",
    parse: duration,
    default: "0s",
    help: "how long to wait until healthyMinutes holds, e.g. 90m",
    defaultText: "not at all",
  },
  check: { help: "only ask the gates: exit status 0 if all hold, else 1" },
  "pull-request": { help: "push the commit to a branch promote/ENVIRONMENT-… and open a pull request on GitHub" },
  "github-repository": {
    value: "OWNER/NAME",
    help: "the deploy repository on GitHub",
    defaultText: "from its URL",
  },
  unverified: { help: "do not ask the registry whether it has the images" },
  json: { help: "print the result as JSON" },
  ...migrationOptions,
  ...environmentOptions,
  ...registryOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "make an environment run what another one runs",
  description: [
    `Makes an environment run the digests that another one runs, by one commit or a pull request. The gates that the stack
    file declares (promotion) are asked first, all of them; where one does not hold, nothing is promoted. Only digests that
    would change something have to pass. What was rolled back in the environment stays away for as long as nothing else
    runs where it comes from; --service promotes it all the same.`,
    {
      healthyMinutes: `every digest has been running Healthy where it comes from for so long: by the Application's health
        and images, the Deployment's rollout and availability, the containers' restarts and the time of the release commit,
        of which the latest counts`,
      approval: "a person has approved: --approved; with --pull-request, merging it is the approval",
      test: `a command for \`bash -eo pipefail\`, with DELIVERY_FROM, DELIVERY_TO, and in DELIVERY_DIGESTS the path of a
        file {"service": "sha256:…"}; what it prints goes to standard error`,
    },
  ],
  usage: ["promote --to ENVIRONMENT [--service NAME …] [OPTIONS]"],
  options,
  notes: [
    migrationHelp,
    ...environmentHelp,
    `${clusterHelp} Its context is cluster.context of the stack file of where the digests come from.`,
    githubHelp,
    registryHelp,
  ],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const { approved, check, json, "pull-request": pullRequest } = flags;
  const project = new Project();
  const to = findEnvironment(project, flags.to, flags);
  const promotion = promotionTo(project.stackFile(to.name), flags.from);
  const from = findEnvironment(project, promotion.from, flags);
  if (from.name === to.name) throw new UsageError(`--from and --to are both ${from.name}`);
  const repository = pullRequest ? repositoryName(to.repository, flags["github-repository"]) : undefined;
  const github =
    repository === undefined ? undefined : githubOf(githubSettings(project.stackFile(to.name)), context, repository);
  const registry = flags.unverified ? undefined : await openRegistry(flags, context);
  const path = { from, to, services: flags.service };
  const candidates = await askGates({
    ...path,
    project,
    rules: promotion.rules,
    approval: { approved, pullRequest },
    wait: flags.wait,
    context,
  });
  for (const line of rolledBackLines(to.name, candidates)) context.note(line);
  if (registry !== undefined) await assertImagesExist(registry, candidates.pending);
  assertGatesPassed(to.name, candidates, { check, json }, context);
  if (check) return;
  const { pending, rolledBack, outcomes } = candidates;
  const describe = (released: readonly Released[]) => ({
    subject: `promote(${from.name} → ${to.name}): ${summarize(released)}`,
    trailers: [`Promoted-From: ${from.name}`, ...(approved ? [approvalTrailer(context.environment)] : [])],
  });
  const branch = pullRequest ? promotionBranch(to.name, pending) : to.branch;
  const result = await releaseMigrated(
    {
      environment: to,
      project,
      context,
      patience: { start: flags["migration-wait"], retryFailed: true },
      choose: (records, snapshot) => assertNotMoved(path, candidates, records, snapshot),
      describe,
    },
    pullRequest ? { pushTo: branch } : {},
  );
  const { released } = result;
  const opened =
    github === undefined || released.length === 0
      ? undefined
      : await propose(github, {
          from: from.name,
          to: to.name,
          title: describe(released).subject,
          head: branch,
          base: to.branch,
          released,
          outcomes,
        });
  const more = {
    from: from.name,
    gates: outcomes,
    rolledBack: rolledBack.map(({ service }) => service),
    ...(pullRequest ? { pullRequest: opened === undefined ? null : { number: opened.number, url: opened.url } } : {}),
  };
  report({ ...to, branch }, result, json, context, more);
  if (opened !== undefined && !json) context.print(`pull request ${opened.url}`);
  assertNoneWithheld(to, result);
}
