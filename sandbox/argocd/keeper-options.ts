import { join } from "node:path";
import { z } from "zod";

/** What the keeper is told by the file that it is started with. */
export const keeperOptionsSchema = z.strictObject({
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
export type KeeperOptions = z.infer<typeof keeperOptionsSchema>;

const statusSchema = z.strictObject({
  /** `waiting`: Argo CD is not installed on the cluster yet, or no longer. */
  controller: z.enum(["waiting", "running", "failed"]),
  reason: z.string().optional(),
});
export type KeeperStatus = z.infer<typeof statusSchema>;

export const parseStatus = (text: string): KeeperStatus => statusSchema.parse(JSON.parse(text));

export const statusPath = (stateDir: string): string => join(stateDir, "argocd", "status.json");
