import type { ClusterEndpoint } from "../machine/cluster/cluster.ts";
import type { Credentials } from "../machine/credentials.ts";
import { startTekton, tektonTools } from "../machine/tekton/tekton.ts";
import type { DebianTools } from "../machine/tools/debian-tools.ts";
import { buildTools } from "../machine/tools/go-tools.ts";
import { startPipelinesAsCode } from "../stand-ins/pipelines-as-code/start.ts";
import { prepareTektonJobs } from "../stand-ins/tekton-jobs.ts";

export interface TektonSandboxOptions {
  stateDir: string;
  cluster: ClusterEndpoint;
  tools: { pulumi: string; buildctl: string; etcd: string };
  debian: Partial<DebianTools>;
  credentials: Credentials;
  /** Where GitHub sends its webhooks. */
  port: number;
  /** On this machine's loopback. */
  servers: { registry: string; git: string; github: string };
  report: (line: string) => void;
}

/**
 * Starts Tekton, and what stands in for Pipelines-as-Code.
 * @throws Error where no pods run
 */
export async function startTektonCi(options: TektonSandboxOptions): Promise<void> {
  const { stateDir, cluster, tools, debian, credentials, port, servers, report } = options;
  const { containerd, busybox, nft } = debian;
  if (cluster.pods === "simulated" || containerd === undefined || busybox === undefined || nft === undefined)
    throw new Error(
      `--ci tekton: its jobs are pods, and none run here (${cluster.reason ?? "the binaries of a node are missing"}); leave it out, and a stand-in for CircleCI runs the pipeline`,
    );
  const { kubeconfigPath, hostAddress } = cluster;
  const built = await buildTools(tektonTools, report);
  report("Tekton: starting its webhook and controller, and a stand-in for Pipelines-as-Code");
  await Promise.all([
    startTekton({ stateDir, tools: { ...built, containerd, busybox }, kubeconfigPath }),
    prepareTektonJobs({
      stateDir,
      tools: { ...tools, containerd, nft },
      kubeconfigPath,
      hostAddress,
      servers: { "registry-relay": servers.registry, "git-relay": servers.git, "github-relay": servers.github },
      report,
    }),
  ]);
  const { githubToken: token, githubWebhookSecret: webhookSecret } = credentials;
  await startPipelinesAsCode({
    stateDir,
    port,
    kubeconfigPath,
    github: { api: servers.github, token, webhookSecret },
  });
}
