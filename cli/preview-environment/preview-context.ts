import type { DependencySettings } from "../../components/dependency-settings.ts";
import type { ManifestContext } from "../../components/manifests.ts";
import type { IngressSettings } from "../../components/manifests/ingress.ts";
import type { Service } from "../../components/service.ts";
import { namespaceName, previewName } from "../../core/names.ts";

export interface PreviewContextArgs {
  app: string;
  pullRequest: number;
  /** Those that run in it. */
  services: readonly Service[];
  /** As the environment has them that it is made after. */
  dependencies: Readonly<Record<string, DependencySettings>>;
  /** Likewise. */
  ingress?: IngressSettings | undefined;
}

/** What the manifests of a preview environment are made of: as small as can be, and nothing shared with the environment that it is made after. */
export function previewContext({
  app,
  pullRequest,
  services,
  dependencies,
  ingress,
}: PreviewContextArgs): ManifestContext {
  const name = previewName(pullRequest);
  const used = new Set(services.flatMap((service) => Object.keys(service.dependencies ?? {})));
  return {
    environment: { app, name, namespace: namespaceName(app, name) },
    services: services.map(small),
    dependencies: Object.fromEntries(
      Object.entries(dependencies).flatMap(([dependency, settings]) =>
        used.has(dependency) ? [[dependency, isElsewhere(settings) ? "none" : settings] as const] : [],
      ),
    ),
    ingress: ingress && { ...ingress, domain: `${name}.${ingress.domain}` },
  };
}

/** The dependencies that the services do without: what is outside of the cluster holds data that a preview must not touch. */
export function missingDependencies({ services, dependencies }: PreviewContextArgs): string[] {
  const used = new Set(services.flatMap((service) => Object.keys(service.dependencies ?? {})));
  return Object.keys(dependencies).filter((name) => used.has(name) && isElsewhere(dependencies[name] ?? "none"));
}

function isElsewhere(settings: DependencySettings): boolean {
  return settings !== "none" && "address" in settings;
}

/** One pod, and no host of its own: that one leads to the environment. */
function small({ autoscaling: _autoscaling, expose, ...service }: Service): Service {
  const { host: _host, ...exposed } = typeof expose === "object" ? expose : {};
  return {
    ...service,
    replicas: 1,
    ...(expose === undefined ? {} : { expose: typeof expose === "object" ? exposed : expose }),
  };
}
