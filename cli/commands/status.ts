import { branchProblem, pathProblem, repositoryProblem, type DeployBranch } from "../../git/deploy-branch.ts";
import { parseOptions, required, UsageError, type Command, type CommandContext } from "../command.ts";
import { clusterHelp, openCluster } from "../project/cluster.ts";
import { Project } from "../project/stack-file.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry/open-registry.ts";
import { collectStatus, statusFetchLimits, statusSources } from "../status/collect.ts";
import { endpointSettings, endpointsOf, type EndpointSettings } from "../status/endpoints.ts";
import { renderStatus } from "../status/output.ts";

const help = `Shows the delivery of an environment: the pipeline from the source to the cluster, and one line per service with
the commit it was built from, its image, the commit that released it, and how Argo CD and the cluster see it.
Parts that do not answer within seconds are said to be unknown. Changes nothing.

Usage: npx delivery status --env ENVIRONMENT [OPTIONS]

  --env ENVIRONMENT    e.g. dev; its stack file is stacks/Pulumi.ENVIRONMENT.yaml in the current directory
  --html FILE          write a page with the picture of the pipeline, too
  --json               print JSON
  --repository URL     the deploy repository         (default: gitops.repository of the stack file)
  --branch BRANCH      its branch                    (default: gitops.branch of the stack file)
  --context NAME       the context in the kubeconfig (default: cluster.context of the stack file, else the current one)

${clusterHelp} CI is asked with the token in CIRCLE_TOKEN. The deploy repository is read with Git's own
credentials, or DELIVERY_GIT_TOKEN and DELIVERY_GIT_USERNAME.

${registryHelp}`;

export const command: Command = { summary: "show what runs, and how it got there", help, run };

async function run(args: readonly string[], surroundings: CommandContext): Promise<void> {
  const options = parseOptions(args, {
    ...registryOptions,
    env: { type: "string" },
    html: { type: "string" },
    json: { type: "boolean" },
    repository: { type: "string" },
    branch: { type: "string" },
    context: { type: "string" },
  });
  const { environment } = surroundings;
  const name = required("env", options.env);
  const settings = settingsOf(name);
  const places = endpointsOf(name, settings);
  const registry = await openRegistry(options, surroundings, statusFetchLimits);
  const cluster = () => openCluster(environment, options.context ?? settings.cluster.context);
  const status = await collectStatus(
    statusSources({
      ...places,
      deploy: deployBranch(places.deploy, options),
      cluster,
      registry,
      ci: { ...places.ci, token: environment["CIRCLE_TOKEN"] },
    }),
  );
  surroundings.print(renderStatus(status, options));
}

function settingsOf(name: string): EndpointSettings {
  if (pathProblem(name) !== undefined || name.includes("/"))
    throw new UsageError(`--env ${JSON.stringify(name)} is not the name of an environment`);
  return new Project().stackFile(name).read(...endpointSettings);
}

function deployBranch(
  deploy: DeployBranch | undefined,
  flags: { repository?: string; branch?: string },
): DeployBranch | undefined {
  const repository = flags.repository ?? deploy?.repository;
  if (repository === undefined) return undefined;
  const branch = flags.branch ?? deploy?.branch ?? "main";
  const problem = repositoryProblem(repository);
  if (problem !== undefined) throw new UsageError(`the URL of the deploy repository ${problem}`);
  if (branchProblem(branch) !== undefined) throw new UsageError(`--branch: ${branchProblem(branch)}`);
  return { repository, branch };
}
