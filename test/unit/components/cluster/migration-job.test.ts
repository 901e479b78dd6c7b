import { describe, expect, test } from "vitest";
import { autoscalerRemoval } from "../../../../components/cluster/autoscaler-removal.ts";
import type { Service } from "../../../../components/service/service.ts";
import { applyWorkload, Workloads } from "../../../../components/cluster/workload.ts";
import { openMockEngine, recordRegistrations } from "../../../support/mock-engine.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

const digest = `sha256:${"a1".repeat(32)}`;
const child = (type: string, name: string): string => `delivery:cluster:Workload$kubernetes:${type}::${name}`;

async function declared(settings: Partial<Service>, retried: readonly string[] = []) {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  const registrations = recordRegistrations();
  const service = sampleService("link", settings);
  const workload = {
    service,
    context: sampleContext([service]),
    image: `docker.io/acme/shop-link@${digest}`,
    handOver: false,
    home: [],
    startAfter: [],
    autoscalerRemoval: autoscalerRemoval({}),
    retried: new Set(retried),
  };
  applyWorkload("link", workload, { parent: new Workloads("shop", {}) });
  return { resources: await engine.resources(), registrations };
}

describe("with delivery direct", () => {
  test("the Deployment waits for the Job of the image", async () => {
    const { resources, registrations } = await declared({
      migrations: { command: ["/app", "migrate"], activeDeadlineSeconds: 60 },
    });
    expect(resources[child("batch/v1:Job", "link-migration")]).toMatchObject({
      metadata: { name: "link-migration-a1a1a1a1-1" },
      spec: { template: { spec: { containers: [{ image: `docker.io/acme/shop-link@${digest}` }] } } },
    });
    const dependencies = (id: string): readonly string[] => registrations.get(id)?.dependsOn ?? [];
    expect(dependencies("kubernetes:apps/v1:Deployment::link")).toContain("kubernetes:batch/v1:Job::link-migration");
    expect(dependencies("kubernetes:batch/v1:Job::link-migration")).toEqual(
      expect.arrayContaining([
        "kubernetes:core/v1:ConfigMap::link",
        "kubernetes:core/v1:ServiceAccount::link",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy::link-migration",
      ]),
    );
  });

  test.each<[what: string, settings: Partial<Service>, job: string, owner: string]>([
    ["migrations", { migrations: { command: ["migrate"] } }, "link-migration", "link-migration"],
    ["a job", { kind: "job", port: undefined }, "link", "link"],
  ])("%s are tried again where they have failed, and waited for where they still run", async (...row) => {
    const [, settings, job, owner] = row;
    const annotationsOf = async (retried: readonly string[]): Promise<object> => {
      const { resources } = await declared(settings, retried);
      const { annotations = {} } = Object(resources[child("batch/v1:Job", job)]?.["metadata"]);
      return annotations;
    };
    expect(await annotationsOf([owner])).toMatchObject({ "pulumi.com/replaceUnready": "true" });
    expect(await annotationsOf(["user", "user-migration"])).not.toHaveProperty(["pulumi.com/replaceUnready"]);
  });

  test("a service without migrations has no Job", async () => {
    const { resources } = await declared({});
    expect(Object.keys(resources).filter((urn) => urn.includes("migration"))).toEqual([]);
  });
});
