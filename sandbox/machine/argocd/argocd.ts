import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { choosePort } from "../ports.ts";
import { writePrivate } from "../private-file.ts";
import { nodeProgram, runningPid, startProcess, stopProcess } from "../process.ts";
import { prepareFolders, removeFolders, type ArgoCdTools } from "./components.ts";

interface ArgoCdOptions {
  /** Absolute path. */
  stateDir: string;
  tools: ArgoCdTools;
  /** Of the cluster's administrator. */
  kubeconfigPath: string;
  /** Where the stack installs Argo CD. */
  namespace: string;
  /** Whether there are preview environments, which the pull secret is copied to. */
  previews: boolean;
  report: (line: string) => void;
}

const supervisorName = "argocd-supervisor";
const componentNames = [
  "argocd-applicationset-controller",
  "argocd-application-controller",
  "argocd-repo-server",
  "argocd-redis",
];

/**
 * Runs Argo CD's controllers as processes of this machine. The stack puts Argo CD's definitions, configuration and rights
 * on the cluster, before or after this call: the application controller starts as soon as they are there, stops when they
 * go, and starts again when it ends, as its pod would. The ApplicationSet controller runs as long as there is an ApplicationSet.
 */
export async function startArgoCd({
  stateDir,
  tools,
  kubeconfigPath,
  namespace,
  previews,
  report,
}: ArgoCdOptions): Promise<void> {
  const options: SupervisorOptions = {
    stateDir,
    kubeconfigPath,
    namespace,
    replicatesSecrets: previews,
    // Only Argo CD's own tools: another version of one of the sandbox's other tools must not restart the supervisor.
    tools: {
      argocd: tools.argocd,
      "git-ask-pass": tools["git-ask-pass"],
      redis: tools.redis,
      kustomize: tools.kustomize,
      "argocd-files": tools["argocd-files"],
    },
    folders: prepareFolders(stateDir, tools),
    ports: {
      // The usual port is left to CI jobs that have a Redis as a service container.
      redis: await choosePort(stateDir, "argocd-redis", 16379),
      repoServer: await choosePort(stateDir, "argocd-repo-server", 8081),
      repoServerMetrics: await choosePort(stateDir, "argocd-repo-server-metrics", 8084),
      controllerMetrics: await choosePort(stateDir, "argocd-controller-metrics", 8082),
      applicationSetMetrics: await choosePort(stateDir, "argocd-applicationset-metrics", 8085),
      applicationSetWebhook: await choosePort(stateDir, "argocd-applicationset-webhook", 7000),
    },
    redisPassword: ensurePassword(stateDir),
  };
  const content = JSON.stringify(options, null, 2);
  // The name changes with the content, so that a supervisor with other settings is replaced.
  const path = join(
    stateDir,
    "argocd",
    `supervisor-${createHash("sha256").update(content).digest("hex").slice(0, 8)}.json`,
  );
  writePrivate(path, content);
  if (runningPid(stateDir, supervisorName) === undefined) rmSync(statusPath(stateDir), { force: true });
  report("Argo CD: starting its repo server and its controller");
  await startProcess(stateDir, {
    name: supervisorName,
    ...nodeProgram(join(import.meta.dirname, "supervisor.ts"), [path]),
    ready: async () => Promise.resolve(argoCdStatus(stateDir) !== undefined),
  });
}

/** Stops Argo CD and removes its files; what it has put on the cluster stays. Does nothing when it is not there. */
export async function stopArgoCd(stateDir: string): Promise<void> {
  for (const name of [supervisorName, ...componentNames]) await stopProcess(stateDir, name);
  removeFolders(stateDir);
}

/** What the controllers do; `undefined` until they are started. */
function argoCdStatus(stateDir: string): SupervisorStatus | undefined {
  const path = statusPath(stateDir);
  return existsSync(path) ? parseStatus(readFileSync(path, "utf8")) : undefined;
}

function ensurePassword(stateDir: string): string {
  const path = join(stateDir, "argocd", "redis-password");
  return existsSync(path)
    ? readFileSync(path, "utf8")
    : readFileSync(writePrivate(path, randomBytes(24).toString("base64url")), "utf8");
}

/** What the supervisor reads from the file that it is started with. */
export const supervisorOptionsSchema = z.strictObject({
  stateDir: z.string(),
  kubeconfigPath: z.string(),
  namespace: z.string(),
  /** Whether Secrets are copied to the namespaces of preview environments. */
  replicatesSecrets: z.boolean(),
  tools: z.strictObject({
    argocd: z.string(),
    "git-ask-pass": z.string(),
    redis: z.string(),
    kustomize: z.string(),
    "argocd-files": z.string(),
  }),
  folders: z.strictObject({
    bin: z.string(),
    home: z.string(),
    temporary: z.string(),
    ssh: z.string(),
    tls: z.string(),
    gpgSource: z.string(),
    gpgKeys: z.string(),
    plugins: z.string(),
    askPassSocket: z.string(),
  }),
  ports: z.strictObject({
    redis: z.number(),
    repoServer: z.number(),
    repoServerMetrics: z.number(),
    controllerMetrics: z.number(),
    applicationSetMetrics: z.number(),
    applicationSetWebhook: z.number(),
  }),
  redisPassword: z.string(),
});
type SupervisorOptions = z.infer<typeof supervisorOptionsSchema>;

const statusSchema = z.strictObject({
  /** `waiting`: Argo CD is not installed on the cluster yet, or no longer. */
  controller: z.enum(["waiting", "running", "failed"]),
  reason: z.string().optional(),
});
export type SupervisorStatus = z.infer<typeof statusSchema>;

const parseStatus = (text: string): SupervisorStatus => statusSchema.parse(JSON.parse(text));

export const statusPath = (stateDir: string): string => join(stateDir, "argocd", "status.json");
