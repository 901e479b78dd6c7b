import { Image } from "@pulumi/docker/image.js";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { autoscalerRemoval } from "../../../../components/cluster/autoscaler-removal.ts";
import type { ManifestContext } from "../../../../components/manifests/manifest-context.ts";
import { SecretGenerations } from "../../../../components/cluster/secret-generations.ts";
import type { Service } from "../../../../components/service/service.ts";
import { applyWorkload, Workloads } from "../../../../components/cluster/workload.ts";
import { hideSecrets, MockEngine, openMockEngine, recordRegistrations } from "../../../support/mock-engine.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

const image = `docker.io/acme/shop-link@sha256:${"a".repeat(64)}`;
const generationsUrn = "pulumi-nodejs:dynamic/delivery:SecretGenerations::shop";
const everything: Partial<Service> = {
  secrets: { KEY: "token" },
  autoscaling: { min: 2, max: 4 },
  expose: true,
  dependencies: { db: { address: "DB", password: "DB_PASSWORD" } },
};
const manifestContext: Partial<ManifestContext> = {
  ingress: { className: "nginx", domain: "shop.example", namespace: "ingress-nginx" },
  dependencies: { db: { address: "db.internal:5432", password: "db-password" } },
};

const deploymentSchema = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.object({ replicas: z.number() }),
});

/** As of a Secret that has changed once. */
function secondGeneration(): pulumi.Output<string> {
  const { generations } = new SecretGenerations("shop", { values: { link: { KEY: pulumi.secret("hunter2") } } });
  return generations.apply(() => "2");
}

async function declared(settings: Partial<Service> = {}, rest: Partial<ManifestContext> = {}, handOver = false) {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  const registrations = recordRegistrations();
  const service = sampleService("link", settings);
  const secretsGeneration = settings.secrets === undefined ? undefined : secondGeneration();
  const context = sampleContext([service], rest);
  const args = { service, context, image, secretsGeneration, handOver, home: [], startAfter: [] };
  const removal = autoscalerRemoval({});
  applyWorkload("link", { ...args, autoscalerRemoval: removal }, { parent: new Workloads("shop", {}) });
  return { resources: await engine.resources(), registrations };
}

const child = (type: string): string => `delivery:cluster:Workload$kubernetes:${type}::link`;
const always = [
  "apps/v1:Deployment",
  "core/v1:ConfigMap",
  "core/v1:Service",
  "core/v1:ServiceAccount",
  "networking.k8s.io/v1:NetworkPolicy",
  "policy/v1:PodDisruptionBudget",
];

describe("the objects", () => {
  test.each<[what: string, settings: Partial<Service>, context: Partial<ManifestContext>, more: string[]]>([
    ["a service that says nothing", {}, {}, []],
    [
      "one that is exposed by a Gateway",
      { expose: true },
      { gateway: { name: "public", namespace: "gateways", domain: "shop.example", scheme: "https" } },
      ["gateway.networking.k8s.io/v1:HTTPRoute"],
    ],
    ["one that is autoscaled", { autoscaling: { min: 1, max: 2 } }, {}, ["autoscaling/v2:HorizontalPodAutoscaler"]],
    [
      "one that is exposed, where there is an ingress",
      { expose: true },
      manifestContext,
      ["networking.k8s.io/v1:Ingress"],
    ],
    ["one that is exposed, where there is none", { expose: true }, {}, []],
  ])("of %s", async (_what, settings, context, more) => {
    const { resources } = await declared(settings, context);
    expect(Object.keys(resources).toSorted()).toEqual(
      [...[...always, ...more].map(child), "delivery:cluster:Workload::shop"].toSorted(),
    );
  });

  test("have explicit names in the environment's namespace: another name would be a new object at each change", async () => {
    const { resources } = await declared(everything, manifestContext);
    const names = Object.entries(resources)
      .filter(([urn]) => urn.includes("$"))
      .map(([, { metadata }]) => metadata);
    expect(names).toHaveLength(always.length + 2);
    for (const metadata of names) expect(metadata).toMatchObject({ name: "link", namespace: "shop-dev" });
  });
});

test("files are there before the pods, and their ConfigMap is no service's own", async () => {
  const { registrations } = await declared({ mountedFiles: { "/a": { text: "" }, "/b": { secret: "key" } } });
  expect(registrations.get("kubernetes:apps/v1:Deployment::link")?.dependsOn).toEqual(
    expect.arrayContaining(["kubernetes:core/v1:ConfigMap::link", "kubernetes:core/v1:ConfigMap::link.files"]),
  );
});

test.each<[settings: Partial<Service>, timeout: string]>([
  [{}, "5m"],
  [{ probes: { startup: { seconds: 61 } } }, "6m"],
  [{ probes: { startup: { seconds: 600 } } }, "14m"],
])("with %j, the update waits for a rollout for %s", async (settings, timeout) => {
  const { registrations } = await declared(settings);
  for (const type of ["apps/v1:Deployment", "core/v1:Service"])
    expect(registrations.get(`kubernetes:${type}::link`)?.createTimeout).toBe(timeout);
});

test.each([
  [1, "5m"],
  [3, "8m"],
])("%s pods with volumes of their own go one after the other, and are waited for for %s", async (replicas, timeout) => {
  const volumes = { data: { path: "/data", size: "1Gi", perPod: true } };
  const { registrations } = await declared({ replicas, volumes });
  expect(registrations.get("kubernetes:apps/v1:StatefulSet::link")?.createTimeout).toBe(timeout);
});

describe("what a service brings along", () => {
  const object = (apiVersion: string, kind: string) => ({ apiVersion, kind, metadata: { name: "own" } });
  const ownObjects = [
    object("v1", "ConfigMap"),
    object("v1", "PersistentVolumeClaim"),
    object("apps/v1", "StatefulSet"),
  ].map((one) => ({ file: "k8s/own.yaml", object: one }));
  const id = (type: string): string => `kubernetes:${type}::link:own`;

  test("is declared with it, and pods wait for what they may refer to", async () => {
    const { resources, registrations } = await declared({ ownObjects });
    const parent = "delivery:cluster:Workload$";
    expect(resources[`${parent}${id("apps/v1:StatefulSet")}`]).toMatchObject({
      kind: "StatefulSet",
      metadata: { name: "own", namespace: "shop-dev" },
    });
    // Storage that is bound when a pod uses it would be waited for in vain.
    expect(resources[`${parent}${id("core/v1:PersistentVolumeClaim")}`]).toMatchObject({
      metadata: { annotations: { "pulumi.com/skipAwait": "true" } },
    });
    const needed = registrations.get("kubernetes:apps/v1:Deployment::link")?.dependsOn ?? [];
    expect(needed.filter((one) => one.endsWith(":own")).toSorted()).toEqual([
      id("core/v1:ConfigMap"),
      id("core/v1:PersistentVolumeClaim"),
    ]);
  });

  test.each([true, false])("stays for another writer if it is to be handed over: %s", async (handOver) => {
    const { registrations } = await declared({ ownObjects }, {}, handOver);
    expect(registrations.get(id("core/v1:ConfigMap"))?.retainOnDelete).toBe(handOver);
  });
});

test("a component's arguments hold nothing secret", async () => {
  const { resources } = await declared(everything, manifestContext);
  expect(resources["delivery:cluster:Workload::shop"]).toEqual({});
  expect(JSON.stringify(hideSecrets(resources))).not.toContain("hunter");
});

test.each([true, false])("its objects stay for another writer if it is to hand them over: %s", async (handOver) => {
  const { registrations } = await declared(everything, manifestContext, handOver);
  const objects = [...registrations.values()].filter(({ parent }) => parent === "delivery:cluster:Workload::shop");
  expect(objects).toHaveLength(always.length + 2);
  expect(new Set(objects.map(({ retainOnDelete }) => retainOnDelete))).toEqual(new Set([handOver]));
});

test("the generation of the Secret is on the pods, so that a new one restarts them", async () => {
  const annotations = { "delivery/secrets-generation": "2" };
  expect((await declared(everything, manifestContext)).resources[child("apps/v1:Deployment")]).toMatchObject({
    spec: { template: { metadata: { annotations } } },
  });
});

test("pods start when all that they need is there, and are reached when they are ready", async () => {
  const { registrations } = await declared(everything, manifestContext);
  expect(registrations.get("kubernetes:apps/v1:Deployment::link")).toMatchObject({
    createTimeout: "5m",
    dependsOn: [
      "kubernetes:core/v1:ConfigMap::link",
      "kubernetes:core/v1:ServiceAccount::link",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy::link",
      generationsUrn,
    ],
  });
  const after = (type: string): readonly string[] | undefined =>
    registrations.get(`kubernetes:${type}::link`)?.dependsOn;
  expect(after("core/v1:Service")).toEqual(["kubernetes:apps/v1:Deployment::link"]);
  expect(after("autoscaling/v2:HorizontalPodAutoscaler")).toEqual(["kubernetes:apps/v1:Deployment::link"]);
  expect(after("networking.k8s.io/v1:Ingress")).toEqual(["kubernetes:core/v1:Service::link"]);
});

/** What earlier versions had restart the pods: without it they would, where nothing has changed. */
const formerMark = 'spec.template.metadata.annotations["delivery/secrets-version"]';

test.each<[what: string, settings: Partial<Service>, expected: object]>([
  [
    "an autoscaler, which says them from then on",
    { autoscaling: { min: 2, max: 4 } },
    { ignored: [formerMark, "spec.replicas"], mark: "true", replicas: 2, hooks: [] },
  ],
  [
    "none, and an autoscaler of before goes first",
    { replicas: 3 },
    { ignored: [formerMark], mark: undefined, replicas: 3, hooks: ["remove-autoscaler"] },
  ],
])("the replicas with %s", async (_what, settings, expected) => {
  const { resources, registrations } = await declared(settings);
  const registration = registrations.get("kubernetes:apps/v1:Deployment::link");
  const { metadata, spec } = deploymentSchema.parse(resources[child("apps/v1:Deployment")]);
  expect({
    ignored: registration?.ignoreChanges,
    mark: metadata.annotations?.["delivery/autoscaled"],
    replicas: spec.replicas,
    hooks: registration?.beforeUpdate,
  }).toEqual(expected);
});

/** What a first preview knows: nothing of what the cluster or the registry will answer. */
class UnknownEngine extends MockEngine {
  override newResource(args: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult {
    super.newResource(args);
    return { id: undefined, state: {} };
  }
}

test("a preview declares the same objects while the image and the Secret's generation are unknown", async () => {
  const engine = new UnknownEngine();
  await pulumi.runtime.setMocks(engine, "delivery", "dev", true);
  const built = new Image("link", { imageName: "docker.io/acme/shop-link:1" });
  const service = sampleService("link", everything);
  const args = { service, context: sampleContext([service], manifestContext), handOver: false };
  applyWorkload(
    "link",
    {
      ...args,
      image: built.repoDigest,
      secretsGeneration: secondGeneration(),
      home: [],
      startAfter: [],
      autoscalerRemoval: autoscalerRemoval({}),
    },
    { parent: new Workloads("shop", {}) },
  );
  const resources = await engine.resources();
  const unknown = { __pulumiUnknown: true };
  expect(Object.keys(resources)).toHaveLength(always.length + 5);
  expect(resources[child("apps/v1:Deployment")]).toMatchObject({
    metadata: { name: "link" },
    spec: {
      template: {
        metadata: { annotations: { "delivery/secrets-generation": unknown } },
        spec: { containers: [{ image: unknown, envFrom: [{}, { secretRef: { name: "link-secrets" } }] }] },
      },
    },
  });
  expect(JSON.stringify(hideSecrets(resources))).not.toContain("hunter");
});
