import { existsSync } from "node:fs";
import { readStackSettings } from "../cli/project/stack-file.ts";
import { registryClient } from "../cli/registry/client.ts";
import { collectStatus, type StatusSources } from "../cli/status/collect.ts";
import { renderStatus, type StatusOutput } from "../cli/status/output.ts";
import { NotReachableError } from "../cli/status/reading.ts";
import { placeSchema, placesOf, statusFetchLimits, statusSources } from "../cli/status/sources.ts";
import { ensureCredentials } from "./credentials.ts";
import { loginToDeployGit } from "./deploy-git.ts";
import { kubernetesClient } from "./kubernetes-client.ts";
import { processTable } from "./process-table.ts";
import { listProcesses } from "./process.ts";
import { loadTargets, type StackTargets } from "./targets.ts";

/** Shows the delivery in the sandbox, and below it which processes run and where everything is. */
export async function status(stateDir: string, output: StatusOutput = {}): Promise<void> {
  const processes = existsSync(stateDir) ? listProcesses(stateDir) : [];
  const targets = processes.length === 0 ? undefined : loadTargets(stateDir);
  const rendered = renderStatus(await collectStatus(sandboxSources(stateDir, targets)), output);
  if (output.json === true) return console.log(rendered);
  if (processes.length === 0) return console.log("There is no sandbox here; `npm run up` starts one.");
  console.log(`${targets === undefined ? "The sandbox has never been up in full; `npm run up` goes on." : rendered}\n`);
  for (const line of processTable(stateDir, targets)) console.log(line);
}

function sandboxSources(stateDir: string, targets: StackTargets | undefined): StatusSources {
  const settings = readStackSettings("sandbox", placeSchema);
  if (settings === undefined)
    throw new Error(`there is no stacks/Pulumi.sandbox.yaml in ${process.cwd()}; run this at the root of the checkout`);
  const places = placesOf("sandbox", settings);
  if (targets === undefined) return nothing(places.app, places.environment, places.delivery);
  const { registryPassword, circleciToken } = ensureCredentials(stateDir);
  const { deployRepository: repository, circleci } = targets;
  // Images may be of another registry, which must not see this password.
  const login = { username: settings.images.username, password: registryPassword };
  loginToDeployGit(stateDir, "reader");
  return statusSources({
    ...places,
    delivery: repository === undefined ? "direct" : "gitops",
    deploy: repository === undefined ? undefined : { repository, branch: places.deploy?.branch ?? "main" },
    cluster: () => kubernetesClient(targets.kubeconfigPath),
    registry: registryClient({
      login: (host) => Promise.resolve(host === targets.registryHost ? login : undefined),
      limits: statusFetchLimits,
    }),
    ci: { ...places.ci, host: circleci.url, organizationId: circleci.organizationId, token: circleciToken },
  });
}

/** Nothing to ask: the page and the JSON say so of every part. */
function nothing(app: string, environment: string, delivery: "gitops" | "direct"): StatusSources {
  const absent = (): Promise<never> =>
    Promise.reject(new NotReachableError("there is no sandbox here; `npm run up` starts one"));
  return {
    app,
    environment,
    delivery,
    source: absent,
    ci: absent,
    hasImage: absent,
    releases: absent,
    applications: absent,
    deployments: absent,
  };
}
