import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { Cluster } from "../../../components/cluster/cluster.ts";
import type { DependencySettings } from "../../../components/service/dependency-settings.ts";
import { deliverDirectly } from "../../../components/direct-delivery.ts";
import type { ManifestContext } from "../../../components/manifests/manifest-context.ts";
import { openMockEngine, recordRegistrations } from "../../support/mock-engine.ts";
import { environment, sampleContext, sampleService } from "../../support/sample-shop.ts";

const database: DependencySettings = { image: "postgres:17", port: 5432, env: {}, secrets: {}, scratch: [] };
const uses = { dependencies: { db: { address: "DB" } } };
const services = [
  sampleService("gateway", { peers: ["link", "user"] }),
  sampleService("link", { peers: ["user"], ...uses }),
  sampleService("user"),
];

async function declared(context: ManifestContext, released: readonly string[]) {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  const registrations = recordRegistrations();
  const registry = { server: "docker.io", username: "acme-ci", password: pulumi.secret("hunter2") };
  const cluster = new Cluster("shop", {
    app: "shop",
    environment: "dev",
    namespace: environment.namespace,
    adoptExisting: false,
    registry,
  });
  const image = (name: string) => ({
    repository: name,
    reference: released.includes(name) ? pulumi.output(`${name}@sha256:0`) : undefined,
    built: undefined,
  });
  await deliverDirectly({
    context,
    cluster,
    images: new Map(context.services.map(({ name }) => [name, image(name)])),
    secrets: { objects: new Map() },
    handOver: false,
  });
  const urns = Object.keys(await engine.resources());
  const deployments = urns.flatMap((urn) => urn.split("apps/v1:Deployment::")[1] ?? []).toSorted();
  /**
   * What must be there before the pods of a service or dependency start, and stays until they are gone: transitively, by
   * `type::name`. A child is created after what its component waits for, and deleted before it.
   */
  const needs = (name: string): string[] => {
    const found = new Set<string>();
    const follow = (id: string): void => {
      const { dependsOn = [], parent = "" } = registrations.get(id) ?? {};
      for (const next of [...dependsOn, parent]) {
        if (found.has(next)) continue;
        found.add(next);
        follow(next);
      }
    };
    follow(`kubernetes:apps/v1:Deployment::${name}`);
    return [...found];
  };
  const waitsFor = (name: string): string[] =>
    needs(name)
      .flatMap((id) => id.split("apps/v1:Deployment::")[1] ?? [])
      .toSorted();
  return { registrations, deployments, waitsFor, needs };
}

const all = ["gateway", "link", "user"];

describe("services", () => {
  test("are all applied where all are released", async () => {
    expect((await declared(sampleContext(services), all)).deployments).toEqual(all);
  });
  test("without a release are left out, and nobody waits for them", async () => {
    const { deployments, waitsFor } = await declared(sampleContext(services), ["gateway", "user"]);
    expect(deployments).toEqual(["gateway", "user"]);
    expect(waitsFor("gateway")).toEqual(["user"]);
  });
  test.each([
    ["gateway", ["db", "link", "user"]],
    ["link", ["db", "user"]],
    ["user", []],
  ])("%s starts after %j, which it calls", async (name, before) => {
    const { waitsFor, registrations } = await declared(
      sampleContext(services, { dependencies: { db: database } }),
      all,
    );
    expect(waitsFor(name)).toEqual(before);
    const started = [...registrations.keys()]
      .filter((id) => id.startsWith("kubernetes:apps/v1:Deployment::"))
      .map((id) => id.split("::")[1]);
    expect(started.slice(0, started.indexOf(name))).toEqual(expect.arrayContaining(before));
  });
  test("that call one another wait for what they call beyond, and not for each other", async () => {
    const circle = [
      sampleService("gateway", { peers: ["link"] }),
      sampleService("link", { peers: ["gateway", "user"] }),
      sampleService("user"),
    ];
    const { deployments, waitsFor } = await declared(sampleContext(circle), all);
    expect(deployments).toEqual(all);
    expect([waitsFor("gateway"), waitsFor("link")]).toEqual([[], ["user"]]);
  });
});

describe("dependencies", () => {
  test.each<[what: string, settings: DependencySettings, dependencies: string[]]>([
    ["with an image is deployed", database, ["db"]],
    ["elsewhere is not", { address: "db.internal:5432" }, []],
    ["that the environment has not is not", "none", []],
  ])("one %s", async (_what, settings, deployed) => {
    const { deployments } = await declared(sampleContext(services, { dependencies: { db: settings } }), all);
    expect(deployments).toEqual([...deployed, ...all]);
  });
});

test("all is applied to this cluster, after its namespace and pull secret", async () => {
  const { registrations, needs } = await declared(sampleContext(services, { dependencies: { db: database } }), all);
  const applied = [...registrations.values()].filter(({ id }) => id.startsWith("kubernetes:"));
  expect(applied.length).toBeGreaterThan(20);
  for (const { id, provider } of applied)
    expect(`${id} by ${provider}`).toBe(`${id} by pulumi:providers:kubernetes::shop`);
  for (const name of ["db", ...all]) {
    expect(needs(name)).toEqual(
      expect.arrayContaining(["kubernetes:core/v1:Namespace::shop", "kubernetes:core/v1:Secret::registry-credentials"]),
    );
  }
});

test("where the cluster asks, the list of a service and its binding are there before its pods, and an unreleased one is bound", async () => {
  const admission = { action: "enforce" as const, images: [] };
  const { needs, registrations } = await declared(sampleContext(services, { admission }), ["gateway", "user"]);
  const binding = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding";
  expect(needs("user")).toEqual(
    expect.arrayContaining([
      "kubernetes:core/v1:ConfigMap::user.images",
      "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy::shop",
      `${binding}::user`,
      `${binding}::other.pods`,
    ]),
  );
  expect(registrations.has(`${binding}::link`)).toBe(true);
  expect(registrations.has("kubernetes:core/v1:ConfigMap::link.images")).toBe(false);
});
