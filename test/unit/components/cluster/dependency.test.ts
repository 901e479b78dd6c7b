import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type {
  DependencySettings,
  DeployedDependencySettings,
} from "../../../../components/service/dependency-settings.ts";
import { Dependency } from "../../../../components/cluster/dependency.ts";
import { dependencyAddress, dependencyManifests } from "../../../../components/manifests/dependency.ts";
import { openMockEngine, recordRegistrations } from "../../../support/mock-engine.ts";
import { environment } from "../../../support/sample-shop.ts";

const plain: DeployedDependencySettings = { image: "redis:8", port: 6379, env: {}, secrets: {}, scratch: [] };
const stored: DeployedDependencySettings = {
  ...plain,
  secrets: { PASSWORD: "db-password" },
  storage: { size: "1Gi", path: "/var/lib/db" },
  scratch: ["/run/db"],
  user: 70,
};
const deploymentSchema = z.object({
  spec: z.object({
    template: z.object({ metadata: z.object({ annotations: z.record(z.string(), z.string()).optional() }) }),
  }),
});

test.each<[settings: DependencySettings, address: string | undefined]>([
  ["none", undefined],
  [{ address: "db.internal:5433" }, "db.internal:5433"],
  [plain, "cache:6379"],
])("%j is at %s", (settings, address) => expect(dependencyAddress("cache", settings)).toBe(address));

describe("the manifests", () => {
  const podSpec = (settings: DeployedDependencySettings): unknown =>
    dependencyManifests(environment, "db", settings, []).deployment.spec;
  test("never let two pods write one volume", () => {
    expect(podSpec(stored)).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
  });
  test("mount every volume that they have, and have every volume that they mount", () => {
    expect(podSpec(stored)).toMatchObject({
      template: {
        spec: {
          securityContext: { runAsUser: 70, fsGroup: 70 },
          volumes: [
            { name: "scratch-e9671acd", emptyDir: {} },
            { name: "scratch-c68d567c", emptyDir: {} },
            { name: "data", persistentVolumeClaim: { claimName: "db" } },
          ],
          containers: [
            {
              volumeMounts: [
                { name: "scratch-e9671acd", mountPath: "/tmp" },
                { name: "scratch-c68d567c", mountPath: "/run/db" },
                { name: "data", mountPath: "/var/lib/db" },
              ],
            },
          ],
        },
      },
    });
  });
  test("claim a volume only where one is asked for", () => {
    expect(dependencyManifests(environment, "db", stored, []).persistentVolumeClaim?.spec).toEqual({
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Gi" } },
    });
    expect(JSON.stringify(dependencyManifests(environment, "db", plain, []))).not.toMatch(/persistentVolumeClaim/i);
  });
  test("let in the users, at the port", () => {
    expect(dependencyManifests(environment, "db", plain, ["link"]).networkPolicy.spec).toMatchObject({
      ingress: [
        { from: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "link" } } }], ports: [{ port: 6379 }] },
      ],
    });
  });
  test("give the container its variables, and its Secret only if there is one", () => {
    expect(podSpec({ ...plain, env: { A: "1" } })).toMatchObject({
      template: { spec: { containers: [{ env: [{ name: "A", value: "1" }], envFrom: [] }] } },
    });
    expect(podSpec(stored)).toMatchObject({
      template: { spec: { containers: [{ env: [], envFrom: [{ secretRef: { name: "db-secrets" } }] }] } },
    });
  });
});

describe("the component", () => {
  async function declared(
    settings: DeployedDependencySettings,
    handOver = false,
    secretsGeneration?: pulumi.Output<string>,
  ) {
    const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
    const registrations = recordRegistrations();
    new Dependency("db", { environment, settings, users: ["link"], handOver, secretsGeneration }, {});
    return { resources: await engine.resources(), registrations };
  }
  const child = (type: string): string => `delivery:cluster:Dependency$kubernetes:${type}::db`;

  test("declares what a stateless dependency needs, and no more", async () => {
    expect(Object.keys((await declared(plain)).resources)).toEqual([
      child("apps/v1:Deployment"),
      child("core/v1:Service"),
      child("networking.k8s.io/v1:NetworkPolicy"),
      "delivery:cluster:Dependency::db",
    ]);
  });
  test("adds a claim, which it does not wait for", async () => {
    const { resources } = await declared(stored);
    expect(resources[child("core/v1:PersistentVolumeClaim")]).toMatchObject({
      metadata: { annotations: { "pulumi.com/skipAwait": "true" } },
    });
  });
  test("starts the pods last: an open database is no database", async () => {
    const { registrations } = await declared(stored);
    expect(registrations.get("kubernetes:apps/v1:Deployment::db")).toMatchObject({
      parent: "delivery:cluster:Dependency::db",
      createTimeout: "5m",
      dependsOn: ["kubernetes:core/v1:PersistentVolumeClaim::db", "kubernetes:networking.k8s.io/v1:NetworkPolicy::db"],
    });
  });
  test.each([true, false])("leaves its objects to another writer if it is to hand them over: %s", async (handOver) => {
    const { registrations } = await declared(stored, handOver);
    const objects = [...registrations.values()].filter(({ id }) => id.startsWith("kubernetes:"));
    expect(objects).toHaveLength(4);
    expect(new Set(objects.map(({ retainOnDelete }) => retainOnDelete))).toEqual(new Set([handOver]));
  });
  test("starts its pods anew when its Secret changes, by a number; before the first change nothing is there", async () => {
    const annotationsOf = async (generation?: pulumi.Output<string>) => {
      const { resources } = await declared(stored, false, generation);
      return deploymentSchema.parse(resources[child("apps/v1:Deployment")]).spec.template.metadata.annotations;
    };
    expect(await annotationsOf(pulumi.output("2"))).toEqual({ "delivery/secrets-generation": "2" });
    expect(await annotationsOf()).toBeUndefined();
    // As of a Secret that has never changed: see `generationOf`.
    expect(await annotationsOf(pulumi.output(undefined) as unknown as pulumi.Output<string>)).toBeUndefined();
  });
});
