import type { ManifestContext } from "../../components/manifests/manifest-context.ts";
import type { Environment } from "../../components/manifests/metadata.ts";
import type { Service } from "../../components/service/service.ts";

/** The environment `dev` of a shop. */
export const environment: Environment = { app: "shop", name: "dev", namespace: "shop-dev" };

/** A service of the shop; settings beyond the necessary ones as given. */
export function sampleService(name: string, settings: Partial<Service> = {}): Service {
  const directory = `svc/${name}_service`;
  return { name, directory, port: 7070, dockerfile: `${directory}/Dockerfile`, context: directory, ...settings };
}

/** The shop with these services. */
export function sampleContext(services: readonly Service[], rest: Partial<ManifestContext> = {}): ManifestContext {
  return { environment, services, dependencies: {}, ...rest };
}
