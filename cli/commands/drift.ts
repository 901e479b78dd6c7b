import { circleCiTokenVariable } from "../../circleci/api.ts";
import { CommandError, parseOptions, required, UsageError, type Command, type CommandContext } from "../command.ts";
import { collectDrift } from "../drift/collect.ts";
import {
  checkNames,
  checkTitles,
  countDifferences,
  driftText,
  type CheckName,
  type DriftReport,
} from "../drift/report.ts";
import { clusterHelp, openCluster } from "../project/cluster.ts";
import { Project } from "../project/stack-file.ts";
import { endpointSettings, endpointsOf } from "../status/endpoints.ts";

const help = `Looks whether an environment still is as declared. Changes nothing.

  stack      the engine's refresh and preview: resources that are other than the stack has left them, and what
             \`pulumi up\` would change; needs the Pulumi CLI, its login and the stack's passphrase, as \`preview\` does
  git        files in the environment's directory of the deploy repository that others have edited, deleted or put
             there, and invalid release records
  cluster    Applications that are OutOfSync, not Healthy or do not heal themselves; Deployments that run another
             image than is released; extra objects
  ci         variables of the CircleCI context that were set or removed behind the stack's back, foreign ones, and a
             context that is open to more than the project; asked with ${circleCiTokenVariable}

Usage: npx delivery drift --env ENVIRONMENT [--look NAME …] [--json]

  --env ENVIRONMENT    e.g. dev; its stack file is stacks/Pulumi.ENVIRONMENT.yaml in the current directory
  --stack STACK        as the Pulumi CLI takes it, e.g. acme/dev (default: the environment's name)
  --look NAME          look only there: stack, git, cluster or ci; once per place (default: everywhere)
  --json               print JSON

${clusterHelp}

Exit status: 0 nothing differs; 1 something differs ("has drifted"), or a place cannot be asked so that nobody knows
("drift is unknown"); 2 the command line is wrong.`;

export const command: Command = { summary: "look for what others have changed", help, run };

async function run(args: readonly string[], surroundings: CommandContext): Promise<void> {
  const options = parseOptions(args, {
    env: { type: "string" },
    stack: { type: "string" },
    look: { type: "string", multiple: true },
    json: { type: "boolean" },
  });
  const { environment, print } = surroundings;
  const name = required("env", options.env);
  if (!/^[a-z0-9][-a-z0-9]*$/.test(name))
    throw new UsageError(`--env ${JSON.stringify(name)} is not the name of an environment`);
  const wanted = desiredChecks(options.look);
  const settings = new Project().stackFile(name).read(...endpointSettings);
  const { ci, ...places } = endpointsOf(name, settings);
  // The engine is loaded only here: it takes its time.
  const { openDriftStack } = await import("../drift/stack-check.ts");
  await using stack = openDriftStack(options.stack ?? name);
  const report = await collectDrift(
    {
      ...places,
      ...stack,
      ci: { ...ci, token: environment[circleCiTokenVariable] },
      cluster: () => openCluster(environment, settings.cluster.context),
    },
    wanted,
  );
  print(options.json === true ? JSON.stringify(report, undefined, 2) : driftText(report));
  assertNoDrift(report);
}

function desiredChecks(names: readonly string[] | undefined): readonly CheckName[] {
  if (names === undefined) return checkNames;
  const unknown = names.find((name) => !checkNames.some((known) => known === name));
  if (unknown !== undefined)
    throw new UsageError(`--look ${JSON.stringify(unknown)}: there are ${checkNames.join(", ")}`);
  return checkNames.filter((name) => names.includes(name));
}

/** @throws CommandError unless every look has seen that all is as declared */
function assertNoDrift({ environment, drift, looks }: DriftReport): void {
  if (drift === "none") return;
  const titles = (state: DriftReport["drift"]): string =>
    looks
      .filter((look) => look.state === state)
      .map(({ look }) => checkTitles[look])
      .join(", ");
  const unknown = titles("unknown");
  if (drift === "unknown") throw new CommandError(`${environment}: drift is unknown: ${unknown} could not be asked`);
  const differences = looks.reduce((sum, { findings }) => sum + findings.length, 0);
  throw new CommandError(
    `${environment} has drifted: ${countDifferences(differences)} in ${titles("found")}${unknown === "" ? "" : `; ${unknown} could not be asked`}`,
  );
}
