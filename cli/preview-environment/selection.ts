import { isExposed } from "../../components/manifests.ts";
import type { Service } from "../../components/service.ts";

/**
 * The services of a preview environment: those that have changed, the exposed ones through which people reach them, and
 * whatever these call. In the order given.
 */
export function servicesOfPreview(services: readonly Service[], changed: ReadonlySet<string>): Service[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const entries = services.filter(
    (service) => isExposed(service) && [...reachable(byName, service.name)].some((name) => changed.has(name)),
  );
  const wanted = new Set(
    [...changed, ...entries.map(({ name }) => name)].flatMap((name) => [...reachable(byName, name)]),
  );
  return services.filter(({ name }) => wanted.has(name));
}

/** A service and all that it calls, directly or through others. */
function reachable(services: ReadonlyMap<string, Service>, start: string): ReadonlySet<string> {
  const found = new Set([start]);
  // A set that grows while it is walked is walked to its new end.
  for (const name of found) for (const peer of services.get(name)?.peers ?? []) found.add(peer);
  return found;
}
