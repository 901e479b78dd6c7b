import { isMap, parseYaml } from "../../core/yaml.ts";
import { migrationFiles } from "../../components/manifests/manifest-files.ts";
import { migrationManifests } from "../../components/manifests/manifests.ts";
import type { Service } from "../../components/service/service.ts";
import { sampleContext, sampleService } from "./sample-shop.ts";

/** What a service with migrations has in the deploy repository, by path from its directory. */
export function sampleMigrationFiles(
  service: string,
  settings: Partial<Service> = {},
  image = `docker.io/acme/shop-${service}`,
): Record<string, string> {
  const migrated = sampleService(service, { migrations: { command: ["/app", "migrate"] }, ...settings });
  const manifests = migrationManifests(sampleContext([migrated]), migrated, { image });
  return manifests === undefined ? {} : migrationFiles(manifests);
}

/** The template of a service's migrations, as it is read from the deploy repository. */
export function migrationTemplate(service: string, settings: Partial<Service> = {}): Record<string, unknown> {
  const parsed = parseYaml(sampleMigrationFiles(service, settings)["migration/template/job.yaml"] ?? "");
  if ("problem" in parsed || !isMap(parsed.value)) throw new Error("the template is no map");
  return { ...parsed.value };
}
