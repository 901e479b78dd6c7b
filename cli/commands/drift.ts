import { circleCiTokenVariable } from "../../circleci/api.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { environmentName, UsageError, type OptionTable, type OptionValues } from "../options.ts";
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
import { engineHelp } from "../pulumi/engine-help.ts";
import { Project } from "../project/stack-file.ts";
import { endpointSettings, endpointsOf } from "../status/endpoints.ts";

const options = {
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    required: true,
    help: "e.g. dev; its stack file is stacks/Pulumi.ENVIRONMENT.yaml in the current directory",
  },
  stack: {
    value: "STACK",
    help: "as the Pulumi CLI takes it, e.g. acme/dev",
    defaultText: "the environment's name",
  },
  look: {
    value: "NAME",
    parse: checkName,
    multiple: true,
    help: "look only there: stack, git, cluster or ci; once per place",
    defaultText: "everywhere",
  },
  json: { help: "print JSON" },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "look for what others have changed",
  description: [
    "Looks whether an environment still is as declared. Changes nothing.",
    {
      stack: `the engine's refresh and preview: resources that are other than the stack has left them, and what
        \`pulumi up\` would change`,
      git: `files in the environment's directory of the deploy repository that others have edited, deleted or put there,
        invalid release records, and, with gitops.signing, what was changed last by a commit that is not signed, or not
        by a key of gitops.signing.keys`,
      cluster: `Applications that are OutOfSync, not Healthy or do not heal themselves; Deployments that run another image
        than is released; fields of declared objects that others have set; extra objects`,
      ci: `variables of the stack's contexts of CircleCI that were set or removed behind its back, foreign ones, a context that
        is open to more than the project or its pipelines, and the project's pipelines and triggers that no state knows, disabled or not; asked
        with ${circleCiTokenVariable}`,
    },
  ],
  usage: ["drift --env ENVIRONMENT [--look NAME …] [--json]"],
  options,
  notes: [
    engineHelp,
    clusterHelp,
    `Exit status: 0 nothing differs; 1 something differs ("has drifted"), or a place cannot be asked so that nobody knows
    ("drift is unknown"); 2 the command line is wrong.`,
  ],
  run,
});

async function run(flags: OptionValues<typeof options>, { environment, print }: CommandContext): Promise<void> {
  const { env, stack: stackName = env, look } = flags;
  const settings = new Project().stackFile(env).read(...endpointSettings, "owns");
  const { ci, ...endpoints } = endpointsOf(env, settings);
  // Loading the engine takes a second, which wrong command lines need not wait for.
  const { openDriftStack } = await import("../drift/stack-check.ts");
  await using stack = openDriftStack(stackName);
  const report = await collectDrift(
    {
      ...endpoints,
      ...stack,
      ci: {
        ...ci,
        token: environment[circleCiTokenVariable],
        declaresPipeline: settings.owns.ciProject && settings.ci.repositoryId !== undefined,
      },
      cluster: () => openCluster(environment, settings.cluster.context),
    },
    look === undefined ? checkNames : checkNames.filter((name) => look.includes(name)),
  );
  print(flags.json ? JSON.stringify(report, undefined, 2) : driftText(report));
  assertNoDrift(report);
}

function checkName(text: string, option: string): CheckName {
  const name = checkNames.find((known) => known === text);
  if (name === undefined)
    throw new UsageError(`--${option} ${JSON.stringify(text)}: there are ${checkNames.join(", ")}`);
  return name;
}

/** @throws CommandError unless every check has found everything as declared */
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
