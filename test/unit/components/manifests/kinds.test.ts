import { describe, expect, test } from "vitest";
import { serviceManifests } from "../../../../components/manifests/manifests.ts";
import { serviceFiles } from "../../../../components/manifests/manifest-files.ts";
import type { Service } from "../../../../components/service/service.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

const image = `docker.io/acme/shop-report@sha256:${"a".repeat(64)}`;

function manifestsOf(settings: Partial<Service>) {
  const service = sampleService("report", { port: undefined, ...settings });
  return serviceManifests(sampleContext([service]), service, { image });
}

describe("the objects of a service", () => {
  const always = ["configMap", "networkPolicy", "serviceAccount"];
  test.each<[what: string, settings: Partial<Service>, objects: string[]]>([
    ["a server", { port: 80 }, ["deployment", "podDisruptionBudget", "service"]],
    ["a worker", { kind: "worker" }, ["deployment", "podDisruptionBudget"]],
    ["a cron", { kind: "cron", schedule: "@daily" }, ["cronJob"]],
    ["a job", { kind: "job" }, ["job"]],
    [
      "one with a volume",
      { volumes: { data: { path: "/data", size: "1Gi" } } },
      ["deployment", "persistentVolumeClaims", "podDisruptionBudget"],
    ],
    [
      "one with a volume for each pod",
      { port: 80, volumes: { data: { path: "/data", size: "1Gi", perPod: true } } },
      ["headlessService", "podDisruptionBudget", "service", "statefulSet"],
    ],
    [
      "a cron with a volume",
      { kind: "cron", schedule: "@daily", volumes: { data: { path: "/data", size: "1Gi" } } },
      ["cronJob", "persistentVolumeClaims"],
    ],
  ])("are, of %s, those of its kind", (_what, settings, objects) => {
    expect(Object.keys(manifestsOf(settings)).toSorted()).toEqual([...always, ...objects].toSorted());
  });
});

describe("a cron", () => {
  test("says only what its service says, and how Kubernetes' defaults are", () => {
    expect(manifestsOf({ kind: "cron", schedule: "30 2 * * *" }).cronJob?.spec).toMatchObject({
      schedule: "30 2 * * *",
      concurrencyPolicy: "Allow",
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: {
        metadata: { labels: { "app.kubernetes.io/name": "report", "app.kubernetes.io/part-of": "shop" } },
        spec: { backoffLimit: 2 },
      },
    });
    const all = JSON.stringify(manifestsOf({ kind: "cron", schedule: "30 2 * * *" }).cronJob);
    expect(all).not.toMatch(/timeZone|DeadlineSeconds|topologySpread|Probe/);
  });

  test("passes on every setting by Kubernetes' name", () => {
    const settings: Partial<Service> = {
      kind: "cron",
      schedule: "@hourly",
      timeZone: "Europe/Berlin",
      concurrency: "Forbid",
      startingDeadlineSeconds: 60,
      activeDeadlineSeconds: 600,
      backoffLimit: 0,
      history: { successful: 0, failed: 5 },
    };
    expect(manifestsOf(settings).cronJob?.spec).toMatchObject({
      schedule: "@hourly",
      timeZone: "Europe/Berlin",
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: 60,
      successfulJobsHistoryLimit: 0,
      failedJobsHistoryLimit: 5,
      jobTemplate: { spec: { activeDeadlineSeconds: 600, backoffLimit: 0 } },
    });
  });
});

test("of a job, what is too large to be noted in an annotation is applied by the API server", () => {
  const option = "ServerSideApply=true";
  const written = (settings: Partial<Service>): Record<string, string> => serviceFiles(manifestsOf(settings));
  const files = (text: string) => ({ mountedFiles: { "/etc/app/rates": { text } } });
  expect(written({ kind: "job", ...files("x".repeat(300_000)) })["files.yaml"]).toContain(option);
  // JSON of Go has six characters for each of these.
  expect(written({ kind: "job", ...files("<".repeat(50_000)) })["files.yaml"]).toContain(option);
  expect(Object.values(written({ kind: "job", ...files("x".repeat(50_000)) })).join("")).not.toContain(option);
  expect(Object.values(written({ kind: "worker", ...files("x".repeat(300_000)) })).join("")).not.toContain(option);
});

test("of a job, so is what it brings along, whatever else Argo CD is told of it", () => {
  const service = sampleService("report", { port: undefined, kind: "job" });
  const manifests = serviceManifests(sampleContext([service]), service, { image });
  const annotations = { "argocd.argoproj.io/sync-options": "Prune=false" };
  const rates = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "rates", annotations } };
  const files = serviceFiles(manifests, [
    { ...rates, data: { all: "x".repeat(300_000) } },
    { ...rates, metadata: { name: "few" } },
  ]);
  expect(files["own/configmap-rates.yaml"]).toContain('"Prune=false,ServerSideApply=true"');
  expect(files["own/configmap-few.yaml"]).not.toContain("sync-options");
});

test("a job is made anew by Argo CD when its template changes, and its failed pods stay with the end of their logs", () => {
  const { job } = manifestsOf({ kind: "job", activeDeadlineSeconds: 60 });
  expect(job).toMatchObject({
    metadata: { name: "report", annotations: { "argocd.argoproj.io/sync-options": "Force=true" } },
    spec: {
      activeDeadlineSeconds: 60,
      backoffLimit: 2,
      template: {
        spec: {
          restartPolicy: "Never",
          containers: [{ name: "report", image, terminationMessagePolicy: "FallbackToLogsOnError" }],
        },
      },
    },
  });
  // What is not there any more would be made, and run, again.
  expect(JSON.stringify(job)).not.toContain("ttlSecondsAfterFinished");
});

describe("volumes", () => {
  const data = { path: "/var/lib/data", size: "1Gi" };

  test("that pods share are claims, which stay when nobody declares them any more", () => {
    const { persistentVolumeClaims, deployment } = manifestsOf({
      volumes: { data: { ...data, storageClass: "fast" }, cache: { ...data, path: "/cache", whenDeleted: "Delete" } },
    });
    expect(persistentVolumeClaims).toMatchObject([
      {
        metadata: {
          name: "report-data",
          namespace: "shop-dev",
          annotations: {
            "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
            "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
          },
        },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "fast",
          resources: { requests: { storage: "1Gi" } },
        },
      },
      { metadata: { name: "report-cache", annotations: {} }, spec: { accessModes: ["ReadWriteOnce"] } },
    ]);
    expect(deployment?.spec).toMatchObject({ strategy: { type: "Recreate" } });
    expect(Object(deployment?.spec).template.spec).toMatchObject({
      securityContext: { fsGroup: 65_532 },
      volumes: [
        {},
        { name: "data", persistentVolumeClaim: { claimName: "report-data" } },
        { name: "cache", persistentVolumeClaim: { claimName: "report-cache" } },
      ],
      containers: [
        {
          volumeMounts: [
            { mountPath: "/tmp" },
            { name: "data", mountPath: "/var/lib/data" },
            { name: "cache", mountPath: "/cache" },
          ],
        },
      ],
    });
  });

  test("that all nodes can write keep the rolling update", () => {
    const { deployment } = manifestsOf({ replicas: 2, volumes: { data: { ...data, accessMode: "ReadWriteMany" } } });
    expect(deployment?.spec).toMatchObject({ replicas: 2, strategy: { type: "RollingUpdate" } });
  });

  test("of single pods are made by a StatefulSet, whose pods have names and find one another", () => {
    const peer = sampleService("web", { volumes: { data: { ...data, perPod: true } }, replicas: 3 });
    const { statefulSet, headlessService, networkPolicy } = serviceManifests(sampleContext([peer]), peer, { image });
    expect(statefulSet?.spec).toMatchObject({
      replicas: 3,
      serviceName: "web-pods",
      podManagementPolicy: "Parallel",
      selector: { matchLabels: { "app.kubernetes.io/name": "web" } },
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { resources: { requests: { storage: "1Gi" } } } }],
    });
    expect(Object(statefulSet?.spec).template.spec.volumes).toHaveLength(1);
    expect(headlessService).toMatchObject({
      metadata: { name: "web-pods" },
      spec: { clusterIP: "None", publishNotReadyAddresses: true, selector: { "app.kubernetes.io/name": "web" } },
    });
    const itself = [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "web" } } }];
    expect(networkPolicy.spec).toMatchObject({ ingress: [{ from: itself, ports: [{ port: 7070 }] }] });
    expect(JSON.stringify(Object(networkPolicy.spec).egress)).toContain('"app.kubernetes.io/name":"web"');
  });

  test("are files of their own", () => {
    const names = Object.keys(serviceFiles(manifestsOf({ volumes: { data, cache: { ...data, path: "/cache" } } })));
    expect(names.filter((name) => name.includes("claim"))).toEqual([
      "persistent-volume-claim-report-data.yaml",
      "persistent-volume-claim-report-cache.yaml",
    ]);
  });

  test("of a cron need not be bound for it to be Healthy", () => {
    const { persistentVolumeClaims } = manifestsOf({ kind: "cron", schedule: "@daily", volumes: { data } });
    expect(persistentVolumeClaims?.[0]?.metadata.annotations).toMatchObject({
      "argocd.argoproj.io/ignore-healthcheck": "true",
    });
  });
});
