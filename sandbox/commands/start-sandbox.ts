import { rmSync } from "node:fs";
import { join } from "node:path";
import { ciEngine } from "../machine/ci-engine.ts";
import { startArgoCd, stopArgoCd } from "../machine/argocd/argocd.ts";
import { startCluster, stopCluster, type ClusterEndpoint, type ClusterOptions } from "../machine/cluster/cluster.ts";
import { credentialsFile, ensureCredentials } from "../machine/credentials.ts";
import type { SandboxEndpoints } from "../machine/endpoints.ts";
import { startRemoteDocker, stopBuildKit } from "../machine/images/buildkit.ts";
import { packageSources } from "../machine/images/mirror/start.ts";
import { startRegistry } from "../machine/images/registry.ts";
import { startMetrics } from "../machine/metrics/victoria-metrics.ts";
import { choosePort } from "../machine/ports.ts";
import { stopAllProcesses } from "../machine/process.ts";
import { canaryService, demandProof, demandsProof } from "../machine/proof.ts";
import { startRollouts } from "../machine/rollouts/rollouts.ts";
import { debianMetrics } from "../machine/tools/debian-metrics.ts";
import { debianTools, type DebianTools } from "../machine/tools/debian-tools.ts";
import { buildTools, startTools } from "../machine/tools/go-tools.ts";
import type { ToolName } from "../machine/tools/tool-families.ts";
import type { DockerProviderOptions } from "../providers/docker/provider.ts";
import { executorEnvironment } from "../stand-ins/ci-executor.ts";
import { startCircleCiStandIn } from "../stand-ins/circleci/start.ts";
import { startCodeHost } from "../stand-ins/code-host.ts";
import { desiredEndpoints } from "./desired-endpoints.ts";
import { startTektonCi } from "./start-tekton.ts";

export interface SandboxOptions {
  stateDir: string;
  /** `simulated`: no pods run, whatever the machine allows. @default auto */
  pods?: "auto" | "simulated";
  /** `direct`: without Git server and Argo CD. @default as the stack file says */
  delivery?: "gitops" | "direct";
  report: (line: string) => void;
}

/** Everything that the pipeline needs, running on this machine. */
export interface Sandbox {
  pulumi: string;
  cluster: ClusterEndpoint;
  endpoints: SandboxEndpoints;
  docker: DockerProviderOptions;
  /** Argo CD's own files; none where it does not run. */
  argoCdFiles: string | undefined;
  /** Where the sandbox's passwords and tokens are. */
  credentialsFile: string;
}

const baseTools = [
  "pulumi",
  "kube",
  "etcd",
  "coredns",
  "registry",
  // Only tests use it, but alone it would take as long to build as the whole family.
  "crane",
  "buildkitd",
  "buildctl",
  "dockerfile-frontend",
] as const satisfies readonly ToolName[];

const argoCdTools = [
  "argocd",
  "git-ask-pass",
  "redis",
  "kustomize",
  "argocd-files",
] as const satisfies readonly ToolName[];

const canaryTools = ["rollouts-controller", "rollouts-files"] as const satisfies readonly ToolName[];

type Pods = NonNullable<SandboxOptions["pods"]>;

/** The tools that are built for a sandbox; where kwok turns out to be needed for another reason, it is built by itself. */
export function sandboxTools({ pods, gitops }: { pods: Pods; gitops: boolean }): ToolName[] {
  return [...baseTools, ...(needsKwok(pods) ? (["kwok"] as const) : []), ...(gitops ? argoCdTools : [])];
}

/** Only root can run pods. */
function needsKwok(pods: Pods): boolean {
  return pods === "simulated" || process.getuid?.() !== 0;
}

/**
 * Starts all parts of the sandbox that do not run yet, side by side where they do not need each other; and each as soon as
 * its tools are there, where these have to be built first.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { stateDir, report } = options;
  const credentials = ensureCredentials(stateDir);
  const desired = desiredEndpoints(stateDir);
  const gitops = (options.delivery ?? desired.delivery) === "gitops";
  const pods = options.pods ?? "auto";
  const hasCanary = gitops && demandsProof(stateDir);
  // All in one call, since they share what they are compiled from.
  await using tools = startTools([...sandboxTools({ pods, gitops }), ...(hasCanary ? canaryTools : [])], report);
  const debianReady = debianTools(report);
  const registryPort = await choosePort(stateDir, "registry", desired.registryPort);
  const byTekton = gitops && ciEngine(stateDir) === "tekton";
  // What runs the pipeline and GitHub call each other, so the port of the one is chosen before the other starts.
  const circleciPort = byTekton ? undefined : await choosePort(stateDir, "circleci", desired.circleciPort);
  const tektonPort = byTekton ? await choosePort(stateDir, "pipelines-as-code", 8110) : undefined;
  const imageTools = tools.get("registry", "buildkitd", "buildctl", "dockerfile-frontend");
  const startImages = async () => {
    const built = await imageTools;
    report(`Registry: starting at localhost:${registryPort}`);
    return startRegistry({
      stateDir,
      tools: built,
      bind: "127.0.0.1",
      port: registryPort,
      username: desired.username,
      password: credentials.registryPassword,
    });
  };
  const startHost = async () =>
    gitops
      ? startCodeHost({
          stateDir,
          port: desired.gitPort,
          credentials,
          argoCdNamespace: desired.argoCdNamespace,
          source: desired.source,
          ownProgram: desired.ownProgram,
          githubPort: desired.githubPort,
          webhook:
            tektonPort === undefined
              ? `http://localhost:${circleciPort}/hooks/github`
              : `http://localhost:${tektonPort}/`,
        })
      : undefined;
  const registryReady = startImages();
  const codeReady = startHost();
  const remoteDockerReady = Promise.all([imageTools, debianReady]).then(([built, debian]) => ({
    stateDir,
    tools: built,
    runc: debian.tools.runc,
    busybox: debian.tools.busybox,
    reason: debian.reason,
    registryHost: `localhost:${registryPort}`,
    packageSources: packageSources(),
  }));
  const startCircleCi = async () => {
    if (circleciPort === undefined) return undefined;
    const [remoteDocker, code] = await Promise.all([remoteDockerReady, codeReady]);
    const executor = gitops ? await tools.get("pulumi", "redis") : undefined;
    report("CircleCI stand-in: starting");
    const { githubToken: token, githubWebhookSecret: webhookSecret } = credentials;
    return startCircleCiStandIn({
      stateDir,
      port: circleciPort,
      token: credentials.circleciToken,
      ...(code === undefined ? {} : { github: { api: code.githubApi, token, webhookSecret } }),
      ...(executor === undefined ? {} : { jobEnvironment: executorEnvironment(stateDir, executor) }),
      jobTools: { remoteDocker, ...(executor === undefined ? {} : { redis: executor.redis }) },
    });
  };
  const startKubernetes = async () => {
    const [built, debian, registry] = await Promise.all([
      tools.get("kube", "etcd", "coredns"),
      debianReady,
      registryReady,
    ]);
    return startCluster({
      stateDir,
      tools: {
        ...built,
        kwok: async () => (await (needsKwok(pods) ? tools.get("kwok") : buildTools(["kwok"], report))).kwok,
      },
      ...nodeTools(debian.tools),
      registry,
      pods,
      report,
    });
  };
  const clusterReady = startKubernetes();
  const startDelivery = async () => {
    const [built, { kubeconfigPath }] = await Promise.all([tools.get(...argoCdTools), clusterReady]);
    await startArgoCd({
      stateDir,
      tools: built,
      kubeconfigPath,
      namespace: desired.argoCdNamespace,
      previews: desired.previews,
      report,
    });
  };
  const startTektonEngine = async () => {
    if (tektonPort === undefined) return;
    const [registry, code, cluster, debian, docker, built] = await Promise.all([
      registryReady,
      codeReady,
      clusterReady,
      debianReady,
      remoteDockerReady,
      tools.get("pulumi", "buildctl", "etcd"),
    ]);
    if (code === undefined) return;
    // Jobs are given the address of what builds, and of the mirror that it brings: they start neither.
    await startRemoteDocker(docker, report);
    await startTektonCi({
      stateDir,
      cluster,
      tools: built,
      debian: debian.tools,
      credentials,
      port: tektonPort,
      servers: { registry: registry.url, git: new URL(code.deployRepository).origin, github: code.githubApi },
      report,
    });
  };
  const startCanary = async () => {
    const [metricsTools, { kubeconfigPath }] = await Promise.all([debianMetrics(report), clusterReady]);
    const { metricsPort: port } = await demandProof(stateDir);
    const metrics = { stateDir, tools: metricsTools, kubeconfigPath, port, namespace: desired.namespace };
    await Promise.all([
      startMetrics({ ...metrics, service: canaryService }),
      tools.get(...canaryTools).then((built) => startRollouts({ stateDir, tools: built, kubeconfigPath })),
    ]);
  };
  const [registry, code, remoteDocker, circleci, cluster, { pulumi }, files] = await Promise.all([
    registryReady,
    codeReady,
    remoteDockerReady,
    startCircleCi(),
    clusterReady,
    tools.get("pulumi"),
    gitops ? tools.get("argocd-files") : undefined,
    gitops ? startDelivery() : undefined,
    startTektonEngine(),
    hasCanary ? startCanary() : undefined,
  ]);
  return {
    pulumi,
    cluster,
    endpoints: {
      registryHost: registry.host,
      ...(circleci === undefined ? {} : { circleci }),
      ...(tektonPort === undefined ? {} : { pipelinesAsCode: `http://127.0.0.1:${tektonPort}` }),
      kubeconfigPath: cluster.kubeconfigPath,
      ...code,
    },
    credentialsFile: credentialsFile(stateDir),
    argoCdFiles: files?.["argocd-files"],
    docker: {
      directory: process.cwd(),
      buildKit: async () => {
        const started = await startRemoteDocker(remoteDocker, report);
        report("Images: BuildKit builds them");
        return { ...started, scratch: join(stateDir, "builds") };
      },
    },
  };
}

/** Stops all parts of the sandbox, whatever state they are in, and removes its files. */
export async function stopSandbox(stateDir: string): Promise<void> {
  await stopArgoCd(stateDir);
  await stopBuildKit(stateDir);
  await stopCluster(stateDir);
  await stopAllProcesses(stateDir);
  rmSync(stateDir, { recursive: true, force: true });
}

/** The node's binaries; without all of them pods are simulated. */
function nodeTools({ containerd, runc, cniBinDir, nft, ip }: Partial<DebianTools>): {
  node?: ClusterOptions["node"] & object;
} {
  const complete =
    containerd !== undefined && runc !== undefined && cniBinDir !== undefined && nft !== undefined && ip !== undefined;
  return complete ? { node: { containerd, runc, cniBinDir, nft, ip } } : {};
}
