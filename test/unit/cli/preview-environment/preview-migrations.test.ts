import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { previewContext, previewFiles } from "../../../../cli/preview-environment/preview-files.ts";
import { runsMigrations, withoutMigrations } from "../../../../cli/preview-environment/preview-migrations.ts";
import type { DependencySettings } from "../../../../components/service/dependency-settings.ts";
import type { Service } from "../../../../components/service/service.ts";
import { sampleService } from "../../../support/sample-shop.ts";

const deployed: DependencySettings = { image: "postgres:17", port: 5432, env: {}, secrets: {}, scratch: [] };
const dependencies = { db: deployed, elsewhere: { address: "db.acme.internal:5432" }, nowhere: "none" } as const;
const uses = (...names: string[]): Pick<Service, "dependencies"> => ({
  dependencies: Object.fromEntries(names.map((name) => [name, { address: "DB" }])),
});
const migrations = { command: ["/app", "migrate"] };
const digest = `sha256:${"a".repeat(64)}`;

function files(settings: Partial<Service>) {
  const services = [
    sampleService("link", { ...uses("db"), migrations, ...settings }),
    sampleService("user"),
    sampleService("report", { kind: "job", port: undefined }),
  ];
  const context = previewContext({ app: "shop", pullRequest: 12, services, dependencies });
  const images = new Map(services.map(({ name }) => [name, { repository: `docker.io/acme/shop-${name}`, digest }]));
  return previewFiles("p", context, images);
}

describe("in a preview environment", () => {
  test.each([
    ["all data are the preview's own", uses("db"), true],
    ["nothing says where its data are", {}, false],
    ["some are the environment's", uses("db", "elsewhere"), false],
    ["some are nowhere", uses("nowhere"), false],
  ])("where %s, migrations run: %j → %s", (_what, service, runs) =>
    expect(runsMigrations(service, dependencies)).toBe(runs),
  );

  test("those that do not run are named", () => {
    const services = [
      sampleService("link", { migrations }),
      sampleService("user"),
      sampleService("news", { ...uses("db"), migrations }),
    ];
    expect(withoutMigrations(services, dependencies)).toEqual(["link"]);
    expect(Object.keys(files({ dependencies: {} })).filter((path) => path.includes("migration"))).toEqual([]);
  });

  test("they run after the databases, and all services after them", () => {
    const written = files({});
    const kustomization = parse(written["p/kustomization.yaml"] ?? "");
    expect(kustomization.resources).toEqual(
      expect.arrayContaining(["link", "user", "link/migration/network-policy.yaml", "link/migration/job.yaml"]),
    );
    const job = parse(written["p/link/migration/job.yaml"] ?? "");
    expect(job).toMatchObject({
      metadata: {
        name: expect.stringMatching(/^link-migration-[0-9a-f]{8}-1$/),
        namespace: "shop-pr-12",
        annotations: { "argocd.argoproj.io/sync-wave": "1" },
      },
      spec: { template: { spec: { containers: [{ image: `docker.io/acme/shop-link@${digest}` }] } } },
    });
    const [{ target, patch }] = kustomization.patches;
    expect(target).toEqual({
      kind: "(Deployment|StatefulSet|CronJob|Job)",
      labelSelector: "app.kubernetes.io/name in (link, user, report)",
    });
    for (const file of ["link/deployment", "user/deployment", "report/job"])
      expect(parse(written[`p/${file}.yaml`] ?? "").metadata.labels).toMatchObject({
        "app.kubernetes.io/name": file.split("/")[0],
      });
    expect(job.metadata.labels).toMatchObject({ "app.kubernetes.io/name": "link-migration" });
    expect(parse(patch)).toMatchObject({ metadata: { annotations: { "argocd.argoproj.io/sync-wave": "2" } } });
    expect(parse(written["p/db/deployment.yaml"] ?? "").metadata).not.toHaveProperty("annotations");
  });

  test("a Job that would be another has another name", () => {
    const nameOf = (settings: Partial<Service>): unknown =>
      parse(files(settings)["p/link/migration/job.yaml"] ?? "").metadata.name;
    expect(nameOf({})).toBe(nameOf({ replicas: 3 }));
    expect(nameOf({ migrations: { command: ["/app", "migrate", "up"] } })).not.toBe(nameOf({}));
  });
});
