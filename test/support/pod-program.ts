import { cpSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { JsonMap } from "../../kubernetes/json.ts";
import type { Monorepo } from "./monorepo.ts";

/** How a service says that the program is its image. */
export const podImage = { dockerfile: "program/Dockerfile", context: "program" };

/** Puts the program into a monorepo. What it does says its source. */
export function writePodProgram(monorepo: Monorepo): void {
  cpSync(join(import.meta.dirname, "pod-program"), join(monorepo.directory, podImage.context), { recursive: true });
}

/** What the newest pod of a service has logged; an entry has its time in milliseconds since 1970 as `at`. */
export async function logOf(kubernetes: KubernetesClient, namespace: string, service: string): Promise<JsonMap[]> {
  const name = (await podsOf(kubernetes, namespace, service)).at(-1)?.name;
  const entries: JsonMap[] = [];
  // One object a line, as watches have it.
  for await (const entry of kubernetes.watch(`/api/v1/namespaces/${namespace}/pods/${name}/log`, {}))
    entries.push(entry);
  return entries;
}

/** A pod with one container. */
export interface PodState {
  readonly name: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** Seconds from the start of its container. */
  readonly readyAfter: number | undefined;
}

/** The pods of a service, the oldest first. */
export async function podsOf(kubernetes: KubernetesClient, namespace: string, service: string): Promise<PodState[]> {
  const query = { labelSelector: `app.kubernetes.io/name=${service}` };
  const { items } = podsSchema.parse(
    await kubernetes.request("GET", `/api/v1/namespaces/${namespace}/pods`, { query }),
  );
  return items
    .toSorted((a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp))
    .map(
      ({
        metadata,
        status: {
          conditions,
          containerStatuses: [container],
        },
      }) => {
        const ready = conditions.find(({ type }) => type === "Ready");
        const start = container?.state.running?.startedAt;
        return {
          name: metadata.name,
          ready: ready?.status === "True",
          restarts: container?.restartCount ?? 0,
          readyAfter:
            ready?.status === "True" && start !== undefined
              ? (Date.parse(ready.lastTransitionTime) - Date.parse(start)) / 1000
              : undefined,
        };
      },
    );
}

const podsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), creationTimestamp: z.string() }),
      status: z.object({
        conditions: z
          .array(z.object({ type: z.string(), status: z.string(), lastTransitionTime: z.string() }))
          .default([]),
        containerStatuses: z
          .array(
            z.object({
              restartCount: z.number(),
              state: z.object({ running: z.object({ startedAt: z.string() }).optional() }),
            }),
          )
          .default([]),
      }),
    }),
  ),
});
