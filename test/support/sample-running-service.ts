import type { JsonMap } from "../../kubernetes/json.ts";

/** The objects of a service that runs and is well. */
export interface RunningService {
  readonly application: JsonMap;
  readonly deployment: JsonMap;
  readonly pod: JsonMap;
}

/** @param since ISO 8601, when all that is known of it became well */
export function runningService(service: string, digest: string, since: string): RunningService {
  const image = `docker.io/acme/shop-${service}@${digest}`;
  const labels = { "app.kubernetes.io/name": service, "app.kubernetes.io/part-of": "shop" };
  return {
    application: {
      metadata: { name: `shop-dev-${service}` },
      spec: { project: "shop-dev", syncPolicy: { automated: { prune: true, selfHeal: true } } },
      status: {
        sync: { status: "Synced" },
        health: { status: "Healthy", lastTransitionTime: since },
        operationState: { phase: "Succeeded" },
        summary: { images: ["docker.io/library/envoy:1", image] },
        resources: [{ group: "apps", kind: "Deployment", name: service, status: "Synced" }],
      },
    },
    deployment: {
      metadata: { name: service, generation: 1, labels },
      spec: { replicas: 1, template: { spec: { containers: [{ name: service, image }] } } },
      status: {
        observedGeneration: 1,
        replicas: 1,
        updatedReplicas: 1,
        availableReplicas: 1,
        conditions: [
          { type: "Available", status: "True", lastTransitionTime: since },
          { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", lastUpdateTime: since },
        ],
      },
    },
    pod: {
      metadata: { name: `${service}-1`, labels },
      spec: { containers: [{ name: service, image, ports: [{ containerPort: 8080 }] }] },
      status: {
        phase: "Running",
        containerStatuses: [{ name: service, restartCount: 0, state: { running: { startedAt: since } } }],
      },
    },
  };
}
