import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { commitReleases } from "../../git/records.ts";
import { recoverStack } from "../engine/recovery.ts";
import { openSandboxStack } from "../engine/sandbox-stack.ts";
import { chooseCiEngine, type SandboxEngine } from "../machine/ci-engine.ts";
import { gitUsers, loginToDeployGit } from "../machine/credentials.ts";
import { loadEndpoints, sandboxSettings, saveEndpoints, type SandboxEndpoints } from "../machine/endpoints.ts";
import type { ProvidedImage } from "../machine/images/provided.ts";
import { watchRegistry } from "../machine/images/registry-watch.ts";
import { kubernetesClient } from "../machine/kubernetes-client.ts";
import { seedSourceRepository } from "../stand-ins/source-repository.ts";
import { chooseMonorepo, type ChoiceOptions } from "../monorepo/choice.ts";
import { startSandbox, type Sandbox } from "./start-sandbox.ts";
import { upMonorepo, type MonorepoUp } from "./up-monorepo.ts";
import type { Report } from "./progress.ts";
import { ciAddress } from "./status.ts";
import { terminalOutput, withProgress } from "./terminal.ts";

interface UpOptions {
  stateDir: string;
  /** `simulated`: no pods run, whatever the machine allows. */
  pods: "auto" | "simulated";
  /** What runs the pipeline. @default what does already, or else the stand-in for CircleCI */
  ci?: SandboxEngine | undefined;
  /** The monorepo to run. @default the one that runs already, or else the example */
  monorepo?: ChoiceOptions;
  /** Images that this machine cannot pull. @default none */
  images?: readonly ProvidedImage[];
  report: Report;
}

/**
 * Starts the sandbox and updates its stack; what is there already stays.
 */
export async function up({ stateDir, pods, ci, monorepo = {}, images = [], report }: UpOptions): Promise<MonorepoUp> {
  const choice = chooseMonorepo(stateDir, monorepo);
  if (choice !== undefined && ci === "tekton")
    throw new Error("--ci tekton: is for the example; leave --app and --stack out, or --ci");
  chooseCiEngine(stateDir, ci, loadEndpoints(stateDir) !== undefined);
  if (choice === undefined && images.length > 0)
    throw new Error("--image: the example needs none; it goes with --app or --stack");
  return choice === undefined
    ? { outputs: await upExample({ stateDir, pods, report }), services: [] }
    : upMonorepo({ stateDir, pods, choice, images, report });
}

async function upExample({ stateDir, pods, report }: UpOptions): Promise<OutputMap> {
  const sandbox = await startSandbox({ stateDir, pods, report });
  saveEndpoints(stateDir, sandbox.endpoints);
  await using open = await openSandboxStack({ ...sandbox, stateDir, report });
  await recoverStack(open, stateDir, report);
  await withProgress(report, "Pulumi: updating the stack", (watch) => open.stack.up({ ...watch, ...terminalOutput() }));
  await watchRegistry(stateDir, sandbox.endpoints, report);
  const imported = await seedSourceRepository(stateDir, sandbox.endpoints, report);
  if (imported !== undefined) await recordSourceCommit(stateDir, sandbox.endpoints, imported.commit);
  report("The pipeline is up", "end");
  const outputs = await open.stack.outputs();
  await summarize(outputs, sandbox);
  return outputs;
}

/**
 * Notes in the release records that what `up` has built comes from the imported commit: the next pipeline then knows what
 * has changed since, also when one before it has failed.
 */
async function recordSourceCommit(
  stateDir: string,
  { deployRepository }: SandboxEndpoints,
  sourceCommit: string,
): Promise<void> {
  if (deployRepository === undefined) return;
  const { environment, gitops } = sandboxSettings();
  loginToDeployGit(stateDir, "writer");
  await commitReleases({
    repository: deployRepository,
    branch: gitops.branch,
    directory: environment,
    choose: (records) =>
      [...records].flatMap(([service, { image }]) =>
        image === undefined ? [] : [{ ...image, service, sourceCommit }],
      ),
    describe: () => ({
      subject: `release(${environment}): built from the import`,
      trailers: [`Source-Commit: ${sourceCommit}`],
    }),
  });
}

const deployedSchema = z.record(z.string(), z.object({ image: z.string().optional(), address: z.string() }));
const serviceSchema = z.object({ spec: z.object({ clusterIP: z.string() }) });

/** Prints what runs and where, and an answer of the application's gateway. */
export async function summarize(outputs: OutputMap, sandbox: Sandbox): Promise<void> {
  const deployed = deployedSchema.parse(outputs["deployed"]?.value);
  console.log("\nServices");
  for (const [name, { image, address }] of Object.entries(deployed))
    console.log(`  ${name.padEnd(14)} ${address}\n  ${"".padEnd(14)} ${image ?? "not released"}`);
  const context = z.string().nullish().parse(outputs["ciContext"]?.value);
  console.log(`
Cluster        ${sandbox.cluster.server}  (KUBECONFIG=${sandbox.cluster.kubeconfigPath})
Registry       http://${sandbox.endpoints.registryHost}  (stands in for Docker Hub)
${ciAddress(sandbox.endpoints)}  (a stand-in${context === undefined ? " for Pipelines-as-Code" : `; context ${context}`})
`);
  const { deployRepository, sourceRepository, githubApi } = sandbox.endpoints;
  if (sourceRepository !== undefined)
    console.log(`GitHub API     ${githubApi}  (a stand-in)
Source repo    ${sourceRepository}  (to push, as ${gitUsers.writer}, with gitWriteToken of ${sandbox.credentialsFile})`);
  if (deployRepository !== undefined) {
    console.log(
      `Deploy repo    ${deployRepository}  (as ${gitUsers.writer}, with gitWriteToken of ${sandbox.credentialsFile})\n`,
    );
  }
  if (sandbox.cluster.pods === "simulated") {
    console.log(
      `Pods are SIMULATED: ${sandbox.cluster.reason ?? "as asked for"}. The Deployments are declared and counted, no container runs.`,
    );
    return;
  }
  const gateway = deployed["api-gateway"];
  if (gateway !== undefined) await showAnswer(await addressFromHost(gateway.address, sandbox));
}

/** A Service's address as this host reaches it: it routes cluster IPs, but does not resolve names of the cluster. */
async function addressFromHost(address: string, sandbox: Sandbox): Promise<string> {
  const { hostname, port } = new URL(address);
  const [service, namespace] = hostname.split(".");
  const client = kubernetesClient(sandbox.cluster.kubeconfigPath);
  const { spec } = serviceSchema.parse(
    await client.request("GET", `/api/v1/namespaces/${namespace}/services/${service}`),
  );
  return `http://${spec.clusterIP}:${port}/`;
}

async function showAnswer(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  console.log(`GET ${url} → ${response.status}\n  ${(await response.text()).trim()}`);
}
