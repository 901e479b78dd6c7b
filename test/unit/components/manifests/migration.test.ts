import type { types } from "@pulumi/kubernetes";
import type { Unwrap } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import type { DependencySettings } from "../../../../components/service/dependency-settings.ts";
import { migrationManifests, serviceManifests } from "../../../../components/manifests/manifests.ts";
import { dependencyManifests, dependencyUsers } from "../../../../components/manifests/dependency.ts";
import type { Service } from "../../../../components/service/service.ts";
import { environment, sampleContext, sampleService } from "../../../support/sample-shop.ts";

const image = `docker.io/acme/shop-link@sha256:${"a".repeat(64)}`;
const database: DependencySettings = { image: "postgres:17", port: 5432, env: {}, secrets: {}, scratch: [] };

function declared(settings: Partial<Service> = {}) {
  const migrations = { command: ["/app", "migrate"], ...settings.migrations };
  const service = sampleService("link", {
    env: { LOG: "info" },
    secrets: { KEY: "token" },
    dependencies: { db: { address: "DB" } },
    peers: ["user"],
    ...settings,
    migrations,
  });
  const context = sampleContext([service, sampleService("user")], { dependencies: { db: database } });
  const manifests = migrationManifests(context, service, { image });
  // Every value that goes in is plain, so every one that comes out is.
  const { job, networkPolicy } = manifests as Unwrap<{
    job: types.input.batch.v1.Job;
    networkPolicy: types.input.networking.v1.NetworkPolicy;
  }>;
  const own = serviceManifests(context, service, { image }).deployment as Unwrap<types.input.apps.v1.Deployment>;
  return { service, job, networkPolicy, pod: job.spec?.template.spec, ownPod: own.spec?.template.spec };
}

test("a service without migrations has none", () => {
  const service = sampleService("link");
  expect(migrationManifests(sampleContext([service]), service, { image })).toBeUndefined();
});

describe("the pod", () => {
  test("is the service's own, with another command and nothing that asks whether it serves", () => {
    const { pod, ownPod } = declared({ probes: { liveness: "/healthz" } });
    const [container] = pod?.containers ?? [];
    const [own] = ownPod?.containers ?? [];
    expect(container).toEqual({
      name: "link",
      image,
      command: ["/app", "migrate"],
      envFrom: own?.envFrom,
      resources: own?.resources,
      securityContext: own?.securityContext,
      volumeMounts: own?.volumeMounts,
    });
    expect(pod).toMatchObject({
      serviceAccountName: "link",
      securityContext: ownPod?.securityContext,
      volumes: ownPod?.volumes,
    });
  });

  test("mounts no volume, which the service's own pod may write at the same time", () => {
    const { pod } = declared({ volumes: { data: { path: "/var/lib/data", size: "1Gi" } } });
    expect(JSON.stringify(pod)).not.toContain("/var/lib/data");
    expect(JSON.stringify(pod)).not.toContain("persistentVolumeClaim");
  });

  test("has labels that no selector of the service takes", () => {
    const { job } = declared();
    expect(job.spec?.template.metadata?.labels).toMatchObject({ "app.kubernetes.io/name": "link-migration" });
  });

  test("runs once, and is stopped before the Job would remove it and its log", () => {
    expect(declared({ migrations: { command: ["x"], activeDeadlineSeconds: 30 } }).job.spec).toMatchObject({
      backoffLimit: 0,
      activeDeadlineSeconds: 150,
      template: { spec: { restartPolicy: "Never", activeDeadlineSeconds: 30 } },
    });
    expect(declared().pod).toMatchObject({ activeDeadlineSeconds: 600 });
  });
});

test("a contract is noted on the template", () => {
  expect(declared().job.metadata).not.toHaveProperty("annotations");
  expect(declared({ migrations: { command: ["x"], contract: true } }).job.metadata?.annotations).toEqual({
    "delivery/contract": "true",
  });
});

describe("the network", () => {
  test("lets it out to its databases, and to no peer; nobody in", () => {
    const { networkPolicy } = declared();
    expect(networkPolicy.metadata?.name).toBe("link-migration");
    expect(networkPolicy.spec?.podSelector?.matchLabels).toMatchObject({ "app.kubernetes.io/name": "link-migration" });
    expect(networkPolicy.spec?.ingress).toEqual([]);
    const [, ...rules] = networkPolicy.spec?.egress ?? [];
    expect(rules).toEqual([
      {
        to: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "db", "app.kubernetes.io/part-of": "shop" } } }],
        ports: [{ protocol: "TCP", port: 5432 }],
      },
    ]);
  });

  test("the database lets it in", () => {
    const { service } = declared();
    const users = dependencyUsers("db", [service]);
    expect(users).toEqual(["link", "link-migration"]);
    expect(JSON.stringify(dependencyManifests(environment, "db", database, users).networkPolicy)).toContain(
      '"link-migration"',
    );
  });
});
