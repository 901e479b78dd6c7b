import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { gitUsers } from "./deploy-git.ts";
import { kubernetesClient } from "./kubernetes-client.ts";
import type { Sandbox } from "./sandbox.ts";

const deployedSchema = z.record(z.string(), z.object({ image: z.string().optional(), address: z.string() }));
const serviceSchema = z.object({ spec: z.object({ clusterIP: z.string() }) });

/** Says what runs and where, and asks the application through its gateway. */
export async function summarize(outputs: OutputMap, sandbox: Sandbox): Promise<void> {
  const deployed = deployedSchema.parse(outputs["deployed"]?.value);
  console.log("\nServices");
  for (const [name, { image, address }] of Object.entries(deployed))
    console.log(`  ${name.padEnd(14)} ${address}\n  ${"".padEnd(14)} ${image ?? "not released"}`);
  console.log(`
Cluster        ${sandbox.cluster.server}  (KUBECONFIG=${sandbox.cluster.kubeconfigPath})
Registry       http://${sandbox.targets.registryHost}  (stands in for Docker Hub)
CircleCI API   ${sandbox.targets.circleci.url}  (a stand-in; context ${String(outputs["ciContext"]?.value)})
`);
  const { deployRepository, sourceRepository, githubApi } = sandbox.targets;
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
  if (gateway !== undefined) await showAnswer(await fromHost(gateway.address, sandbox));
}

/** A Service's address as this host reaches it: cluster names mean nothing here, cluster IPs do. */
async function fromHost(address: string, sandbox: Sandbox): Promise<string> {
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
