import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import type { ManifestContext } from "../../components/manifests.ts";
import type { Service } from "../../components/service.ts";
import { Workload } from "../../components/workload.ts";
import { DeclaredWorld, hideSecrets, openWorld } from "../declared-world.ts";
import { openEnvelope } from "../envelope.ts";
import { recordRegistrations } from "../registrations.ts";
import { sampleContext, sampleService } from "../sample-shop.ts";

const image = `docker.io/acme/shop-link@sha256:${"a".repeat(64)}`;
const secrets = new Map([["token", pulumi.secret("hunter2")], ["db-password", pulumi.secret("hunter3")]]);
const everything: Partial<Service> = {
  secrets: { KEY: "token" },
  autoscaling: { min: 2, max: 4 },
  expose: true,
  dependencies: { db: { address: "DB", password: "DB_PASSWORD" } },
};
const surroundings: Partial<ManifestContext> = {
  ingress: { className: "nginx", domain: "shop.example", namespace: "ingress-nginx" },
  dependencies: { db: { address: "db.internal:5432", password: "db-password" } },
};

async function declared(settings: Partial<Service> = {}, rest: Partial<ManifestContext> = {}) {
  const world = await openWorld("dev", { values: {}, secretKeys: [] });
  const registrations = recordRegistrations();
  const service = sampleService("link", settings);
  new Workload("link", { service, context: sampleContext([service], rest), image, secrets }, {});
  return { resources: await world.resources(), registrations };
}

const child = (type: string): string => `delivery:cluster:Workload$kubernetes:${type}::link`;
const always = ["apps/v1:Deployment", "core/v1:ConfigMap", "core/v1:Service", "core/v1:ServiceAccount", "networking.k8s.io/v1:NetworkPolicy", "policy/v1:PodDisruptionBudget"];

describe("the objects", () => {
  test.each<[what: string, settings: Partial<Service>, context: Partial<ManifestContext>, more: string[]]>([
    ["a service that says nothing", {}, {}, []],
    ["one with a secret", { secrets: { KEY: "token" } }, {}, ["core/v1:Secret"]],
    ["one with a dependency's password", { dependencies: { db: { address: "DB", password: "PW" } } }, surroundings, ["core/v1:Secret"]],
    ["one that is autoscaled", { autoscaling: { min: 1, max: 2 } }, {}, ["autoscaling/v2:HorizontalPodAutoscaler"]],
    ["one that is exposed, where there is an ingress", { expose: true }, surroundings, ["networking.k8s.io/v1:Ingress"]],
    ["one that is exposed, where there is none", { expose: true }, {}, []],
  ])("of %s", async (_what, settings, context, more) => {
    const { resources } = await declared(settings, context);
    expect(Object.keys(resources).sort()).toEqual([...[...always, ...more].map(child), "delivery:cluster:Workload::link"].sort());
  });

  test("have explicit names in the environment's namespace: another name would be a new object at each change", async () => {
    const { resources } = await declared(everything, surroundings);
    for (const [urn, { metadata }] of Object.entries(resources)) {
      if (urn.includes("$")) expect(metadata).toMatchObject({ name: urn.includes("v1:Secret") ? "link-secrets" : "link", namespace: "shop-dev" });
    }
  });
});

test("secrets are in the Secret only, each under its variable", async () => {
  const { resources } = await declared(everything, surroundings);
  expect(openEnvelope(resources[child("core/v1:Secret")]?.["stringData"])).toEqual({ KEY: "hunter2", DB_PASSWORD: "hunter3" });
  expect(JSON.stringify(hideSecrets(resources))).not.toContain("hunter");
  expect(resources["delivery:cluster:Workload::link"]).toEqual({ image });
});

test("the version of the Secret is on the pods, so that a new one restarts them", async () => {
  const annotations = { "delivery/secrets-version": "1" };
  expect((await declared(everything, surroundings)).resources[child("apps/v1:Deployment")]).toMatchObject({ spec: { template: { metadata: { annotations } } } });
});

describe("the order", () => {
  test("pods start when all that they need is there, and are reached when they are ready", async () => {
    const { registrations } = await declared(everything, surroundings);
    expect(registrations.get("kubernetes:apps/v1:Deployment::link")).toMatchObject({
      createTimeout: "5m",
      dependsOn: ["kubernetes:core/v1:ConfigMap::link", "kubernetes:core/v1:Secret::link", "kubernetes:core/v1:ServiceAccount::link", "kubernetes:networking.k8s.io/v1:NetworkPolicy::link"],
    });
    expect(registrations.get("kubernetes:core/v1:Service::link")?.dependsOn).toEqual(["kubernetes:apps/v1:Deployment::link"]);
    expect(registrations.get("kubernetes:autoscaling/v2:HorizontalPodAutoscaler::link")?.dependsOn).toEqual(["kubernetes:apps/v1:Deployment::link"]);
    expect(registrations.get("kubernetes:networking.k8s.io/v1:Ingress::link")?.dependsOn).toEqual(["kubernetes:core/v1:Service::link"]);
  });
});

/** What a first preview knows: nothing of what the cluster or the registry will answer. */
class UnknownWorld extends DeclaredWorld {
  override newResource(args: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult {
    super.newResource(args);
    return { id: undefined, state: {} };
  }
}

test("a preview declares the same objects while the image and the Secret's version are unknown", async () => {
  const world = new UnknownWorld();
  await pulumi.runtime.setMocks(world, "delivery", "dev", true);
  const unknownImage = new pulumi.CustomResource("docker:index/image:Image", "link", { repoDigest: undefined });
  const service = sampleService("link", everything);
  const reference = unknownImage.id.apply((id): string => id);
  new Workload("link", { service, context: sampleContext([service], surroundings), image: reference, secrets }, {});
  const resources = await world.resources();
  const unknown = { __pulumiUnknown: true };
  expect(Object.keys(resources)).toHaveLength(always.length + 5);
  expect(resources[child("apps/v1:Deployment")]).toMatchObject({
    metadata: { name: "link" },
    spec: { template: { metadata: { annotations: { "delivery/secrets-version": unknown } }, spec: { containers: [{ image: unknown, envFrom: [{}, { secretRef: { name: "link-secrets" } }] }] } } },
  });
  expect(JSON.stringify(hideSecrets(resources))).not.toContain("hunter");
});
