import { z } from "zod";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { eventually } from "../../support/eventually.ts";

/** What a Service has led to since somebody watches: every change, not samples. */
export interface ServedWatch extends AsyncDisposable {
  /** The fewest pods that it has led to at any moment. */
  readonly fewest: number;
  /** The digests of all pods that it has led to. */
  readonly digests: ReadonlySet<string>;
}

/** The pods of a namespace, and which of them its Services lead to. */
export class ServedPods {
  private readonly kubernetes: KubernetesClient;
  private readonly namespace: string;

  constructor(kubernetes: KubernetesClient, namespace: string) {
    this.kubernetes = kubernetes;
    this.namespace = namespace;
  }

  /** How many pods run each digest, without those that end. */
  async digests(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { digest, ends } of (await this.pods()).values())
      if (!ends) counts.set(digest, (counts.get(digest) ?? 0) + 1);
    return counts;
  }

  /** The digests of the pods that a Service leads to, each once. */
  async servedBy(service: string): Promise<string[]> {
    const { items } = slicesSchema.parse(await this.kubernetes.request("GET", this.slices, { query: of(service) }));
    const pods = await this.pods();
    return [...new Set(items.flatMap(served).map((name) => pods.get(name)?.digest ?? "none"))];
  }

  /** Watches what a Service leads to, as soon as it leads to pods. */
  async watch(service: string): Promise<ServedWatch> {
    const stop = new AbortController();
    const failures: unknown[] = [];
    const slices = new Map<string, readonly string[]>();
    const digests = new Set<string>();
    let fewest = Infinity;
    const follow = async (): Promise<void> => {
      const options = { query: of(service), signal: stop.signal };
      for await (const event of this.kubernetes.watch(this.slices, options)) {
        const { type, object } = sliceEventSchema.parse(event);
        slices.set(object.metadata.name, type === "DELETED" ? [] : served(object));
        const names = [...slices.values()].flat();
        // It begins with pods: those that are there come one slice after the other.
        if (fewest < Infinity || names.length > 0) fewest = Math.min(fewest, names.length);
        const pods = await this.pods();
        for (const name of names) if (pods.has(name)) digests.add(pods.get(name)?.digest ?? "");
      }
    };
    const watching = follow().then(
      () => failures.push("it has ended"),
      (error: unknown) => failures.push(error),
    );
    await eventually(`the Service ${service} leads to pods`, () => Promise.resolve(fewest < Infinity));
    const whole = <Value>(value: Value): Value => {
      if (failures.length > 0) throw new Error(`the watch of ${service} is not whole: ${String(failures[0])}`);
      return value;
    };
    return {
      get fewest() {
        return whole(fewest);
      },
      get digests() {
        return whole(digests);
      },
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await watching;
      },
    };
  }

  private async pods() {
    const { items } = podsSchema.parse(
      await this.kubernetes.request("GET", `/api/v1/namespaces/${this.namespace}/pods`),
    );
    return new Map(
      items.map(({ metadata, spec }) => [
        metadata.name,
        {
          digest: spec.containers[0]?.image.split("@")[1] ?? "",
          ends: metadata.deletionTimestamp !== undefined,
        },
      ]),
    );
  }

  private get slices(): string {
    return `/apis/discovery.k8s.io/v1/namespaces/${this.namespace}/endpointslices`;
  }
}

/** The EndpointSlices of a Service. */
function of(service: string): Record<string, string> {
  return { labelSelector: `kubernetes.io/service-name=${service}` };
}

/** The names of the pods that get requests: those that end get some as long as there are no others. */
function served({ endpoints }: z.infer<typeof sliceSchema>): string[] {
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions.serving === true)
    .map(({ targetRef }) => targetRef.name);
}

const podsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional() }),
      spec: z.object({ containers: z.array(z.object({ image: z.string() })) }),
    }),
  ),
});

const sliceSchema = z.object({
  metadata: z.object({ name: z.string() }),
  endpoints: z
    .array(
      z.object({
        conditions: z.object({ serving: z.boolean().optional() }),
        targetRef: z.object({ name: z.string() }),
      }),
    )
    .nullish(),
});
const slicesSchema = z.object({ items: z.array(sliceSchema) });
const sliceEventSchema = z.object({ type: z.enum(["ADDED", "MODIFIED", "DELETED"]), object: sliceSchema });
