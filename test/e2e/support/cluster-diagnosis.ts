import { z } from "zod";
import type { KubernetesClient } from "../../../kubernetes/client.ts";

const most = 12;

const applications = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z
        .object({
          sync: z.object({ status: z.string(), revision: z.string().default("") }).optional(),
          health: z.object({ status: z.string().optional() }).optional(),
          conditions: z.array(z.object({ type: z.string(), message: z.string() })).default([]),
          operationState: z
            .object({
              phase: z.string(),
              message: z.string().default(""),
              startedAt: z.string(),
              finishedAt: z.string().optional(),
              operation: z.object({
                sync: z.object({ autoHealAttemptsCount: z.number().default(0) }).optional(),
              }),
              syncResult: z.object({ revision: z.string().default("") }).optional(),
            })
            .optional(),
        })
        .default({ conditions: [] }),
    }),
  ),
});

const containerStatus = z.object({
  name: z.string(),
  ready: z.boolean(),
  restartCount: z.number(),
  state: z.record(z.string(), z.object({ reason: z.string().optional(), message: z.string().optional() })),
});

const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ namespace: z.string(), name: z.string(), creationTimestamp: z.string() }),
      status: z.object({
        phase: z.string().default("Unknown"),
        reason: z.string().optional(),
        containerStatuses: z.array(containerStatus).default([]),
      }),
    }),
  ),
});

/** What a cluster looks like whose state is not as a test expects: its Applications, and its pods that are not ready. */
export async function diagnose(kubernetes: KubernetesClient): Promise<string> {
  const [ofArgoCd, ofPods] = await Promise.all([
    kubernetes.request("GET", "/apis/argoproj.io/v1alpha1/applications").then(
      (list) => applications.parse(list).items.map(applicationLine),
      () => ["no Applications can be read"],
    ),
    kubernetes.request("GET", "/api/v1/pods").then((list) => pods.parse(list).items.flatMap(podLine)),
  ]);
  return [`It is ${new Date().toISOString()}.`, ...ofArgoCd.slice(0, most), ...ofPods.slice(0, most)].join("\n");
}

function applicationLine({ metadata, status }: z.infer<typeof applications>["items"][number]): string {
  const { sync, health, conditions, operationState: operation } = status;
  const last =
    operation === undefined
      ? "no sync yet"
      : `last sync ${operation.phase} at ${short(operation.syncResult?.revision)}, from ${operation.startedAt} to ${operation.finishedAt ?? "now"}, ` +
        `${operation.operation.sync?.autoHealAttemptsCount ?? 0} self-heals: ${operation.message}`;
  const problems = conditions.map(({ type, message }) => `; ${type}: ${message}`).join("");
  return `Application ${metadata.name}: ${sync?.status} to ${short(sync?.revision)}, ${health?.status}; ${last}${problems}`.slice(
    0,
    600,
  );
}

const short = (revision = ""): string => (revision === "" ? "no commit" : revision.slice(0, 7));

/** Nothing of pods that are as they should be. */
function podLine({ metadata, status }: z.infer<typeof pods>["items"][number]): string[] {
  const troubled = status.containerStatuses.filter(({ ready }) => !ready);
  if (status.phase === "Succeeded" || (status.phase === "Running" && troubled.length === 0)) return [];
  const containers = troubled.map(({ name, restartCount, state }) => {
    const [[kind, { reason, message }] = ["unknown", {}]] = Object.entries(state);
    return `${name} ${kind}${reason === undefined ? "" : ` (${reason})`}${message === undefined ? "" : `: ${message}`}, ${restartCount} restarts`;
  });
  const { namespace, name, creationTimestamp } = metadata;
  return [
    `Pod ${namespace}/${name} of ${creationTimestamp}: ${[status.phase, status.reason, ...containers].filter(Boolean).join("; ")}`.slice(
      0,
      600,
    ),
  ];
}
