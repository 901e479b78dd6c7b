import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { Cluster } from "../../../../components/cluster/cluster.ts";
import type { DeployedDependencySettings } from "../../../../components/service/dependency-settings.ts";
import { generationText, putServiceSecrets } from "../../../../components/cluster/service-secret.ts";
import { hideSecrets, openEnvelope, openMockEngine, recordRegistrations } from "../../../support/mock-engine.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

const db: DeployedDependencySettings = {
  image: "postgres",
  port: 5432,
  password: "db-password",
  env: {},
  secrets: { POSTGRES_PASSWORD: "db-password" },
  scratch: [],
};
const cache: DeployedDependencySettings = { image: "redis", port: 6379, env: {}, secrets: {}, scratch: [] };
const services = [
  sampleService("link", {
    secrets: { KEY: "token" },
    dependencies: { db: { address: "DB", password: "DB_PASSWORD" } },
  }),
  sampleService("news", { dependencies: { cache: { address: "CACHE" } } }),
];

async function declared() {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  const registrations = recordRegistrations();
  const registry = { server: "docker.io", username: "acme-ci", password: pulumi.secret("hunter1") };
  const cluster = new Cluster("shop", {
    app: "shop",
    environment: "dev",
    namespace: "shop-dev",
    adoptExisting: false,
    registry,
  });
  const secrets = new Map([
    ["token", pulumi.secret("hunter2")],
    ["db-password", pulumi.secret("hunter3")],
  ]);
  const put = putServiceSecrets(
    sampleContext(services, {
      dependencies: { db, cache, none: "none", elsewhere: { address: "x:1", password: "db-password" } },
    }),
    cluster,
    secrets,
  );
  return { put, resources: await engine.resources(), registrations };
}

const child = (name: string): string => `delivery:cluster:Cluster$kubernetes:core/v1:Secret::${name}`;

test("who has secrets gets one Secret with all of its own, and nobody else gets any", async () => {
  const { put, resources } = await declared();
  expect([...put.objects.keys()]).toEqual(["link", "db"]);
  expect(Object.keys(resources).filter((urn) => urn.includes(":Secret::"))).toEqual([
    child("db"),
    child("link"),
    child("registry-credentials"),
  ]);
  expect(openEnvelope(resources[child("link")]?.["stringData"])).toEqual({ KEY: "hunter2", DB_PASSWORD: "hunter3" });
  expect(openEnvelope(resources[child("db")]?.["stringData"])).toEqual({ POSTGRES_PASSWORD: "hunter3" });
  expect(JSON.stringify(hideSecrets(resources))).not.toContain("hunter");
});

test("each has the name that the pods refer to, in their namespace", async () => {
  const { resources } = await declared();
  expect(resources[child("link")]).toMatchObject({ metadata: { name: "link-secrets", namespace: "shop-dev" } });
  expect(resources[child("db")]).toMatchObject({ metadata: { name: "db-secrets", namespace: "shop-dev" } });
});

test("they are put on this cluster, after its namespace", async () => {
  const { registrations } = await declared();
  for (const name of ["link", "db"]) {
    expect(registrations.get(`kubernetes:core/v1:Secret::${name}`)).toMatchObject({
      provider: "pulumi:providers:kubernetes::shop",
      dependsOn: ["kubernetes:core/v1:Namespace::shop"],
    });
  }
});

test("their generations are counted once all are there, from values that are secret", async () => {
  const { resources, registrations } = await declared();
  const type = "pulumi-nodejs:dynamic/delivery:SecretGenerations";
  expect(openEnvelope(resources[`delivery:cluster:Cluster$${type}::shop`]?.["values"])).toMatchObject({
    link: { KEY: expect.anything(), DB_PASSWORD: expect.anything() },
    db: { POSTGRES_PASSWORD: expect.anything() },
  });
  expect(registrations.get(`${type}::shop`)?.dependsOn).toEqual([
    "kubernetes:core/v1:Secret::db",
    "kubernetes:core/v1:Secret::link",
  ]);
});

test.each([
  [undefined, undefined],
  [1, undefined],
  [2, "2"],
  [10, "10"],
])("generation %s is %s on the pods: what has never changed restarts nothing", (generation, text) =>
  expect(generationText(generation)).toBe(text),
);
