import { commitReleases, summarize, type Released } from "../../git/records.ts";
import { duration, parseOptions, required, UsageError, type Command, type CommandContext } from "../command.ts";
import { githubHelp, githubOf, githubSettings } from "../github/access.ts";
import { clusterHelp } from "../project/cluster.ts";
import { environmentHelp, environmentOptions, findEnvironment } from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import { assertNotMoved, promotionTo, rolledBackLines } from "../promotion/candidates.ts";
import { approvalTrailer, askGates, assertGatesPassed } from "../promotion/gates.ts";
import { promotionBranch, propose, repositoryName } from "../promotion/pull-request.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry/open-registry.ts";
import { assertImagesExist } from "../release/assert-images-exist.ts";
import { report } from "../release/report.ts";

const help = `Makes an environment run the digests that another one runs, by one commit or a pull request.
The gates that the stack file declares (promotion) are asked first, all of them; where one does not hold, nothing is
promoted. Only digests that would change something have to pass. What was rolled back in the environment stays away
for as long as nothing else runs where it comes from; --service promotes it all the same.

  healthyMinutes       every digest has been running Healthy where it comes from for so long: by the Application's
                       health and images, the Deployment's rollout and availability, the containers' restarts and
                       the time of the release commit, of which the latest counts
  approval             a person has approved: --approved; with --pull-request, merging it is the approval
  test                 a command for \`bash -eo pipefail\`, with DELIVERY_FROM, DELIVERY_TO, and in DELIVERY_DIGESTS the
                       path of a file {"service": "sha256:…"}; what it prints goes to standard error

Usage: npx delivery promote --to ENVIRONMENT [--service NAME …] [OPTIONS]

  --to ENVIRONMENT     where the digests are to run, e.g. staging
  --from ENVIRONMENT   where they were tested, e.g. dev (default: promotion.from of the stack file)
  --service NAME       only this service; once per service (default: all that both environments have)
  --approved           a person has approved
  --wait DURATION      how long to wait until healthyMinutes holds, e.g. 90m (default: not at all)
  --check              only ask the gates: exit status 0 if all hold, else 1
  --pull-request       push the commit to a branch promote/ENVIRONMENT-… and open a pull request on GitHub
  --github-repository OWNER/NAME  the deploy repository on GitHub (default: from its URL)
  --unverified         do not ask the registry whether it has the images
  --json               print the result as JSON
${environmentHelp}

${clusterHelp} Its context is cluster.context of the stack file of where the digests come from.

${githubHelp}

${registryHelp}`;

export const command: Command = { summary: "make an environment run what another one runs", help, run };

async function run(args: readonly string[], surroundings: CommandContext): Promise<void> {
  const options = parseOptions(args, {
    ...environmentOptions,
    ...registryOptions,
    from: { type: "string" },
    to: { type: "string" },
    service: { type: "string", multiple: true },
    approved: { type: "boolean", default: false },
    wait: { type: "string", default: "0s" },
    check: { type: "boolean", default: false },
    "pull-request": { type: "boolean", default: false },
    "github-repository": { type: "string" },
    unverified: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  });
  const project = new Project();
  const to = findEnvironment(project, required("to", options.to), options);
  const promotion = promotionTo(project.stackFile(to.name), options.from);
  const from = findEnvironment(project, promotion.from, options);
  if (from.name === to.name) throw new UsageError(`--from and --to are both ${from.name}`);
  const pullRequest = options["pull-request"];
  const repository = pullRequest ? repositoryName(to.repository, options["github-repository"]) : undefined;
  const github =
    repository === undefined
      ? undefined
      : githubOf(githubSettings(project.stackFile(to.name)), surroundings, repository);
  const registry = options.unverified ? undefined : await openRegistry(options, surroundings);
  const path = { from, to, services: options.service };
  const candidates = await askGates({
    ...path,
    project,
    rules: promotion.rules,
    approval: { approved: options.approved, pullRequest },
    wait: duration("wait", options.wait),
    context: surroundings,
  });
  for (const line of rolledBackLines(to.name, candidates)) surroundings.note(line);
  if (registry !== undefined) await assertImagesExist(registry, candidates.pending);
  assertGatesPassed(to.name, candidates, options, surroundings);
  if (options.check) return;
  const { pending, rolledBack, outcomes } = candidates;
  const describe = (released: readonly Released[]) => ({
    subject: `promote(${from.name} → ${to.name}): ${summarize(released)}`,
    trailers: [`Promoted-From: ${from.name}`, ...(options.approved ? [approvalTrailer(surroundings.environment)] : [])],
  });
  const branch = pullRequest ? promotionBranch(to.name, pending) : to.branch;
  const result = await commitReleases(
    {
      ...to,
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
  report({ ...to, branch }, result, options.json, surroundings, more);
  if (opened !== undefined && !options.json) surroundings.print(`pull request ${opened.url}`);
}
