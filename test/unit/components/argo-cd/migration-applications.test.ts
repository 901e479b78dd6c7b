import type { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { AppProject } from "../../../../components/argo-cd/app-project.ts";
import { Cluster } from "../../../../components/cluster/cluster.ts";
import { GitManifests } from "../../../../components/deploy-repository/git-manifests.ts";
import { deliverMigrations } from "../../../../components/argo-cd/migration-applications.ts";
import type { Service } from "../../../../components/service/service.ts";
import { openMockEngine, recordRegistrations } from "../../../support/mock-engine.ts";
import { environment, sampleContext, sampleService } from "../../../support/sample-shop.ts";

const image = `docker.io/acme/shop-link@sha256:${"a1".repeat(32)}`;
const migrated: Partial<Service> = { migrations: { command: ["/app", "migrate"], activeDeadlineSeconds: 90 } };

/** @param reference the image of `link` that this program has built */
async function declared(settings: Partial<Service>, reference?: string) {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  const registrations = recordRegistrations();
  const gitops = { repository: "https://github.com/acme/deploy.git", branch: "main" };
  const registry = { server: "docker.io", username: "acme-ci", password: pulumi.secret("hunter2") };
  const namespace = environment.namespace;
  const cluster = new Cluster("shop", { app: "shop", environment: "dev", namespace, adoptExisting: false, registry });
  const provider: Provider = cluster.provider;
  const repository = { url: gitops.repository, username: "x" };
  const argoCdNamespace = "argocd";
  const project = new AppProject("shop-dev", { project: "shop-dev", argoCdNamespace, namespace, repository, provider });
  const manifests = new GitManifests("shop", { ...gitops, directory: "dev", files: {}, records: {} });
  deliverMigrations({
    context: sampleContext([sampleService("link", settings), sampleService("user")]),
    images: new Map([
      [
        "link",
        {
          repository: "docker.io/acme/shop-link",
          reference: reference === undefined ? undefined : pulumi.output(reference),
          built: undefined,
        },
      ],
    ]),
    cluster,
    handOver: false,
    gitops,
    argoCdNamespace,
    project,
    manifests,
    applications: new Map(),
  });
  const resources = await engine.resources();
  const added = Object.keys(resources)
    .filter((urn) => /Application::|Initial/.test(urn))
    .map((urn) => urn.replace(/^.*[:/$]([A-Za-z]+::)/, "$1"));
  const dependencies = (id: string): readonly string[] => registrations.get(id)?.dependsOn ?? [];
  return { resources, added, dependencies };
}

const application = "kubernetes:argoproj.io/v1alpha1:Application::link-migration";
const initialMigrations = "pulumi-nodejs:dynamic/delivery:InitialMigrations::shop";
const initialReleases = "pulumi-nodejs:dynamic/delivery:InitialReleases::shop";

describe("with delivery gitops", () => {
  test("a service's migrations have an Application of their own, which waits as long as they may run", async () => {
    const { resources, added } = await declared(migrated);
    expect(added).toEqual(["Application::link-migration"]);
    expect(Object.entries(resources).find(([urn]) => urn.endsWith("Application::link-migration"))?.[1]).toMatchObject({
      metadata: { name: "shop-dev-link-migration", labels: { "app.kubernetes.io/component": "migration" } },
      spec: { source: { path: "dev/link/migration" } },
    });
  });

  test("the first image that this program builds is released after its migrations have succeeded", async () => {
    const { resources, added, dependencies } = await declared(migrated, image);
    expect(added.toSorted()).toEqual([
      "Application::link-migration",
      "InitialMigrations::shop",
      "InitialReleases::shop",
    ]);
    expect(resources[initialReleases]).toMatchObject({ directory: "dev", images: { link: image } });
    expect(dependencies(initialMigrations)).toContain("pulumi-nodejs:dynamic/delivery:GitManifests::shop");
    expect(dependencies(application)).toContain(initialMigrations);
    expect(dependencies(initialReleases)).toEqual(expect.arrayContaining([initialMigrations, application]));
  });

  test("nothing is declared where no service has migrations", async () => {
    expect((await declared({}, image)).added).toEqual([]);
  });
});
