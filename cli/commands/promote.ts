import { summarize, type Released } from "../../git/records.ts";
import { defineCommand, type CommandContext } from "../command.ts";
import {
  duration,
  environmentName,
  parseOptions,
  UsageError,
  type OptionTable,
  type OptionValues,
} from "../options.ts";
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
import { assertNotMoved, promotionTo } from "../promotion/candidates.ts";
import { approvalTrailer } from "../promotion/approval.ts";
import { promotionChangelog } from "../promotion/changelog.ts";
import { copyImages, copyOrigins } from "../promotion/copy-images.ts";
import { askGates, assertGatesPassed } from "../promotion/gates.ts";
import { promotionBranch, propose as openProposal, repositoryName } from "../promotion/pull-request.ts";
import type { EndedHolds } from "../promotion/hold-digests.ts";
import { leftOutLines, propose, readProposal } from "../promotion/proposal.ts";
import { registryHelp, registryOptions } from "../registry/open-registry.ts";
import { releaseChecks } from "../release/assert-releasable.ts";
import { readDigests } from "../release/digests-file.ts";
import { requestOptions, requestTrailers } from "../release/requested-by.ts";
import { deployed, deployMarkerOptions, listDeploys } from "../release/deploy-markers.ts";
import { report } from "../release/report.ts";
import { breakGlassOption } from "../release/waiting.ts";
import { signingHelp } from "../signing/assert-images-signed.ts";

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
  propose: {
    value: "FILE",
    help: "only write what would be promoted to FILE, and print it: for a person to approve. No gate is asked",
  },
  approved: {
    value: "FILE",
    help: `a person has approved the digests in FILE, which --propose has written; what is not in it, or another digest, is not
      promoted`,
  },
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
  ...breakGlassOption,
  unverified: { help: "do not ask the registry whether it has the images" },
  json: { help: "print the result as JSON" },
  ...deployMarkerOptions,
  ...requestOptions,
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
    runs where it comes from; --service promotes it all the same. What has to prove itself where it comes from (verify), and
    has not yet, is left out, too; a later run promotes it. While no window of the environment is open (windows, freeze), what
    passes is noted in its records instead, and \`delivery release --waiting\` releases it then.`,
    {
      healthyMinutes: `every digest has been running Healthy where it comes from for so long: by the Application's health
        and images, the Deployment's rollout and availability, the containers' restarts and the time of the release commit,
        of which the latest counts`,
      approval: `a person has approved exactly these digests: --approved FILE, as --propose FILE has shown them; with
        --pull-request, merging it is the approval`,
      holds: `no pull request labelled delivery/hold is in what a service would get, and not in what it has`,
      test: `a command for \`bash -eo pipefail\`, with DELIVERY_FROM, DELIVERY_TO, and in DELIVERY_DIGESTS the path of a
        file {"service": "sha256:…"}; what it prints goes to standard error`,
    },
  ],
  usage: ["promote --to ENVIRONMENT [--service NAME …] [OPTIONS]"],
  options,
  notes: [
    signingHelp,
    migrationHelp,
    ...environmentHelp,
    `${clusterHelp} Its context is cluster.context of the stack file of where the digests come from.`,
    githubHelp,
    registryHelp,
  ],
  run,
});

/** @param holds what ends with it, if it comes to that. @default nothing */
export async function promoteWith(args: readonly string[], context: CommandContext, holds?: EndedHolds): Promise<void> {
  return promote(parseOptions(args, options), context, holds);
}

function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  return promote(flags, context, undefined);
}

async function promote(
  flags: OptionValues<typeof options>,
  context: CommandContext,
  holds: EndedHolds | undefined,
): Promise<void> {
  const { check, json, "pull-request": pullRequest } = flags;
  const project = new Project();
  const to = findEnvironment(project, flags.to, flags);
  const promotion = promotionTo(project.stackFile(to.name), flags.from);
  const from = findEnvironment(project, promotion.from, flags);
  if (from.name === to.name) throw new UsageError(`--from and --to are both ${from.name}`);
  const repository = pullRequest ? repositoryName(to.repository, flags["github-repository"]) : undefined;
  const github =
    repository === undefined ? undefined : githubOf(githubSettings(project.stackFile(to.name)), context, repository);
  const checks = await releaseChecks(project.stackFile(to.name), flags, context);
  if (promotion.rules.copyImages && flags.unverified)
    throw new UsageError(
      `--unverified asks no registry, and images are copied to that of ${to.name} (promotion.copyImages of ${project.stackFile(to.name).path}); leave it out`,
    );
  const path = { from, to, services: flags.service };
  if (flags.propose !== undefined) return propose(flags.propose, await readProposal(path, context), context);
  const approved = flags.approved === undefined ? undefined : await readDigests(flags.approved, context.input);
  const candidates = await askGates({
    ...path,
    project,
    rules: promotion.rules,
    approval: { approved, pullRequest },
    freed: holds?.numbers,
    wait: flags.wait,
    context,
  });
  for (const line of leftOutLines(path, candidates)) context.note(line);
  const { pending, rolledBack, unproved, outcomes } = candidates;
  const origins = promotion.rules.copyImages ? copyOrigins(project.stackFile(to.name), candidates) : undefined;
  await checks.assertReleasable(pending, origins);
  assertGatesPassed(to.name, candidates, { check, json }, context);
  if (check) return;
  if (origins !== undefined) await copyImages(pending, { origins, checks, note: context.note });
  const describe = (released: readonly Released[]) => ({
    subject: `promote(${from.name} → ${to.name}): ${summarize(released)}`,
    trailers: [
      `Promoted-From: ${from.name}`,
      ...(approved === undefined ? [] : [approvalTrailer(context.environment)]),
      ...requestTrailers(flags),
    ],
  });
  const branch = pullRequest ? promotionBranch(to.name, pending) : to.branch;
  const result = await releaseMigrated(
    {
      environment: to,
      project,
      context,
      patience: { start: flags["migration-wait"], retryFailed: true },
      breakGlass: flags["break-glass"],
      choose: (records, snapshot) => assertNotMoved(path, candidates, records, snapshot),
      describe,
    },
    pullRequest ? { pushTo: branch } : {},
  );
  // Where a gate or somebody's release has come between, they are as they were.
  await holds?.end();
  const { released } = result;
  const opened =
    github === undefined || released.length === 0
      ? undefined
      : await openProposal(github, {
          from: from.name,
          to: to.name,
          title: describe(released).subject,
          head: branch,
          base: to.branch,
          released,
          outcomes,
          changelog: await promotionChangelog(project, path, released, candidates.seen),
        });
  const more = {
    from: from.name,
    gates: outcomes,
    rolledBack: rolledBack.map(({ service }) => service),
    unproved: unproved.map(({ service }) => service),
    ...(pullRequest ? { pullRequest: opened === undefined ? null : { number: opened.number, url: opened.url } } : {}),
  };
  report({ ...to, branch }, result, json, context, more);
  if (opened !== undefined && !json) context.print(`pull request ${opened.url}`);
  // A pull request deploys nothing before it is merged.
  if (flags["deploy-markers"] && !pullRequest) await listDeploys(to.name, deployed(released), context);
  assertNoneWithheld(to, result);
}
