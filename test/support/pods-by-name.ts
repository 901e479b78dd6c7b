import { z } from "zod";
import type { KubernetesClient } from "../../kubernetes/client.ts";

/** A pod, as far as tests of rollouts look at it. */
export interface NamedPod {
  readonly uid: string;
  readonly image: string;
  readonly createdAt: string;
  readonly ready: boolean;
  /** When it became ready; times of Kubernetes are whole seconds. */
  readonly readySince: string | undefined;
}

const podSchema = z.object({
  metadata: z.object({ name: z.string(), uid: z.string(), creationTimestamp: z.string() }),
  spec: z.object({ containers: z.array(z.object({ image: z.string() })) }),
  status: z.object({
    conditions: z
      .array(z.object({ type: z.string(), status: z.string(), lastTransitionTime: z.string().nullable() }))
      .default([]),
  }),
});

/** The pods of a namespace, or of one of its services, by name. */
export async function podsByName(
  kubernetes: KubernetesClient,
  namespace: string,
  service?: string,
): Promise<Record<string, NamedPod>> {
  const query = service === undefined ? {} : { labelSelector: `app.kubernetes.io/name=${service}` };
  const list = await kubernetes.request("GET", `/api/v1/namespaces/${namespace}/pods`, { query });
  const { items } = z.object({ items: z.array(podSchema) }).parse(list);
  return Object.fromEntries(
    items.map(({ metadata, spec, status }): [name: string, state: NamedPod] => {
      const ready = status.conditions.find(({ type }) => type === "Ready");
      const readySince = ready?.status === "True" ? (ready.lastTransitionTime ?? undefined) : undefined;
      const { name, uid, creationTimestamp: createdAt } = metadata;
      const image = spec.containers[0]?.image ?? "";
      return [name, { uid, image, createdAt, ready: ready?.status === "True", readySince }];
    }),
  );
}
