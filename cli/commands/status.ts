import { branchProblem, repositoryProblem, type DeployBranch } from "../../git/deploy-branch.ts";
import { inClusterName } from "../../core/names.ts";
import { defineCommand, type CommandContext } from "../command.ts";
import { environmentName, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { clusterHelp, openCluster } from "../project/cluster.ts";
import { environmentClusters } from "../project/environment-clusters.ts";
import { environmentOptions } from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry/open-registry.ts";
import { collectStatus, statusFetchLimits, statusSources } from "../status/collect.ts";
import { endpointSettings, endpointsOf, type EndpointSettings, type StatusEndpoints } from "../status/endpoints.ts";
import { renderStatus } from "../status/output.ts";
import { readTektonCi } from "../status/tekton-status.ts";
import { readTravisCi, travisTokenVariable } from "../status/travis-status.ts";
import { knownUntested } from "../testing/untested.ts";

const options = {
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    required: true,
    help: "e.g. dev; its stack file is stacks/Pulumi.ENVIRONMENT.yaml in the current directory",
  },
  html: { value: "FILE", help: "write a page with the picture of the pipeline, too" },
  json: { help: "print JSON" },
  repository: environmentOptions.repository,
  branch: environmentOptions.branch,
  context: {
    value: "NAME",
    help: "the context in the kubeconfig",
    defaultText: "cluster.context of the stack file, else the current one",
  },
  ...registryOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "show what runs, and how it got there",
  description: [
    `Shows the delivery of an environment: the pipeline from the source to the cluster, and one line per service with the
    commit it was built from, its image, the commit that released it, and how Argo CD and the cluster see it. Parts that do
    not answer within seconds are said to be unknown. Of an environment with several clusters (clusters), a table says what each
    of them runs, and which do not answer. Changes nothing.`,
  ],
  usage: ["status --env ENVIRONMENT [OPTIONS]"],
  options,
  notes: [
    `${clusterHelp} CircleCI is asked with the token in CIRCLE_TOKEN, Travis CI with that in ${travisTokenVariable}, and Tekton's
    cluster by the context ci.clusterContext of the kubeconfig. The deploy repository is read with Git's own credentials,
    or DELIVERY_GIT_TOKEN and DELIVERY_GIT_USERNAME.`,
    registryHelp,
  ],
  run,
});

type StatusOptions = OptionValues<typeof options>;

async function run(flags: StatusOptions, context: CommandContext): Promise<void> {
  const { environment } = context;
  const project = new Project();
  const settings = project.stackFile(flags.env).read(...endpointSettings);
  const endpoints = endpointsOf(flags.env, settings);
  const registry = await openRegistry(flags, context, statusFetchLimits);
  const status = await collectStatus(
    statusSources({
      ...endpoints,
      deploy: deployBranch(endpoints.deploy, flags),
      cluster: () => openCluster(environment, flags.context ?? settings.cluster.context),
      furtherClusters: environmentClusters(endpoints.environment, settings).flatMap(
        ({ name, context: other, ...one }) =>
          name === undefined || name === inClusterName
            ? []
            : [{ ...one, name, cluster: () => openCluster(environment, other) }],
      ),
      registry,
      untested: knownUntested(project, flags.env),
      ci: { ...endpoints.ci, token: environment["CIRCLE_TOKEN"] },
      otherCi: otherCi(settings, flags.context, environment),
    }),
  );
  context.print(renderStatus(status, flags));
}

/** How the engine of the stack file is asked, where that is not CircleCI. */
function otherCi(
  { app, ci, cluster, github }: EndpointSettings,
  named: string | undefined,
  environment: CommandContext["environment"],
): StatusEndpoints["otherCi"] {
  if (ci.engine === "tekton") {
    const kubeContext = ci.clusterContext ?? named ?? cluster.context;
    return async (signal) => readTektonCi(openCluster(environment, kubeContext), app.name, signal);
  }
  const token = environment[travisTokenVariable] || undefined;
  const location = { repository: github?.repository, branch: github?.branch, token };
  return ci.engine === "travis" ? (signal) => readTravisCi(location, signal) : undefined;
}

function deployBranch(deploy: DeployBranch | undefined, flags: StatusOptions): DeployBranch | undefined {
  const repository = flags.repository ?? deploy?.repository;
  if (repository === undefined) return undefined;
  const branch = flags.branch ?? deploy?.branch ?? "main";
  const problem = repositoryProblem(repository);
  if (problem !== undefined) throw new UsageError(`the URL of the deploy repository ${problem}`);
  if (branchProblem(branch) !== undefined) throw new UsageError(`--branch: ${branchProblem(branch)}`);
  return { repository, branch, signing: deploy?.signing };
}
