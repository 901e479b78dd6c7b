import { existsSync } from "node:fs";
import { registryClient } from "../../cli/registry/client.ts";
import { collectStatus, statusFetchLimits, statusSources, type StatusSources } from "../../cli/status/collect.ts";
import { endpointSettings, endpointsOf } from "../../cli/status/endpoints.ts";
import { renderStatus, type StatusOutput } from "../../cli/status/output.ts";
import { readTektonCi } from "../../cli/status/tekton-status.ts";
import { knownUntested } from "../../cli/testing/untested.ts";
import { NotReachableError } from "../../core/error.ts";
import { ensureCredentials, loginToDeployGit } from "../machine/credentials.ts";
import { loadEndpoints, sandboxProject, sandboxSettings, type SandboxEndpoints } from "../machine/endpoints.ts";
import { kubernetesClient } from "../machine/kubernetes-client.ts";
import { listProcesses, logPath } from "../machine/process.ts";

/** Shows the delivery in the sandbox, and below it which processes run and where everything is. */
export async function status(stateDir: string, output: StatusOutput = {}): Promise<void> {
  const processes = existsSync(stateDir) ? listProcesses(stateDir) : [];
  const endpoints = processes.length === 0 ? undefined : loadEndpoints(stateDir);
  const rendered = renderStatus(await collectStatus(sandboxSources(stateDir, endpoints)), output);
  if (output.json === true) return console.log(rendered);
  if (processes.length === 0) return console.log("There is no sandbox here; `npm run up` starts one.");
  console.log(
    `${endpoints === undefined ? "The sandbox has never been up in full; `npm run up` goes on." : rendered}\n`,
  );
  for (const line of processTable(stateDir, endpoints)) console.log(line);
}

function sandboxSources(stateDir: string, endpoints: SandboxEndpoints | undefined): StatusSources {
  const project = sandboxProject(stateDir);
  const settings = project.stackFile("sandbox").find(...endpointSettings);
  if (settings === undefined)
    throw new Error(`there is no stacks/Pulumi.sandbox.yaml in ${process.cwd()}; run this at the root of the checkout`);
  const declared = endpointsOf("sandbox", settings);
  if (endpoints === undefined) return noSources(declared.app, declared.environment, declared.delivery);
  const { registryPassword, circleciToken } = ensureCredentials(stateDir);
  const { deployRepository: repository, circleci } = endpoints;
  // Another registry that images may come from must not see this password.
  const login = { username: sandboxSettings(project).images.username, password: registryPassword };
  loginToDeployGit(stateDir, "reader");
  return statusSources({
    ...declared,
    untested: knownUntested(project, "sandbox"),
    delivery: repository === undefined ? "direct" : "gitops",
    deploy: repository === undefined ? undefined : { repository, branch: declared.deploy?.branch ?? "main" },
    cluster: () => kubernetesClient(endpoints.kubeconfigPath),
    registry: registryClient({
      login: (host) => Promise.resolve(host === endpoints.registryHost ? login : undefined),
      limits: statusFetchLimits,
    }),
    ci: {
      ...declared.ci,
      ...(circleci === undefined ? {} : { host: circleci.url, organizationId: circleci.organizationId }),
      token: circleciToken,
    },
    otherCi:
      circleci === undefined
        ? (signal) => readTektonCi(kubernetesClient(endpoints.kubeconfigPath), declared.app, signal)
        : undefined,
  });
}

/** The sources where no sandbox runs: the page and the JSON say so of every part. */
function noSources(app: string, environment: string, delivery: "gitops" | "direct"): StatusSources {
  const absent = (): Promise<never> =>
    Promise.reject(new NotReachableError("there is no sandbox here; `npm run up` starts one"));
  return {
    app,
    environment,
    delivery,
    untested: [],
    source: absent,
    ci: absent,
    hasImage: absent,
    releases: absent,
    applications: absent,
    workloads: absent,
    migrations: absent,
  };
}

/** Which processes run, how much memory they take, and where everything is: one line each. */
function processTable(stateDir: string, endpoints: SandboxEndpoints | undefined): string[] {
  const processes = listProcesses(stateDir);
  const lines = processes.map(({ name, pid, running, residentBytes }) => {
    const state = running ? mebibytes(residentBytes) : "  STOPPED";
    return `${name.padEnd(24)} ${String(pid).padStart(8)} ${state}  ${logPath(stateDir, name)}`;
  });
  const total = processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
  const addresses = endpoints && [
    "",
    `Cluster        KUBECONFIG=${endpoints.kubeconfigPath}`,
    `Registry       http://${endpoints.registryHost}`,
    ciAddress(endpoints),
    ...(endpoints.githubApi === undefined ? [] : [`GitHub API     ${endpoints.githubApi}`]),
    ...(endpoints.sourceRepository === undefined ? [] : [`Source repo    ${endpoints.sourceRepository}`]),
    ...(endpoints.deployRepository === undefined ? [] : [`Deploy repo    ${endpoints.deployRepository}`]),
  ];
  const stopped = processes.some(({ running }) => !running)
    ? ["", "Some parts have stopped; `npm run up` starts them again."]
    : [];
  return [...lines, `${"together".padEnd(24)} ${"".padEnd(8)} ${mebibytes(total)}`, ...(addresses ?? []), ...stopped];
}

/** Where what runs the pipeline is. */
export function ciAddress({ circleci, pipelinesAsCode }: SandboxEndpoints): string {
  return circleci === undefined
    ? `Tekton         on the cluster; its runs start at ${pipelinesAsCode}`
    : `CircleCI API   ${circleci.url}`;
}

function mebibytes(bytes: number): string {
  return `${String(Math.round(bytes / 2 ** 20)).padStart(5)} MiB`;
}
