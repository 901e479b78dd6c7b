import type { Problem } from "../core/problem.ts";
import type { Service } from "./service.ts";

/**
 * Peers that do not exist, and circles of peers: services start after those that they call, so a circle could never start.
 * @param locationOf where a service's peers stand: its own file, or a stack file
 */
export function peerProblems(services: readonly Service[], locationOf: (service: Service) => string): Problem[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const unknown = services.flatMap((service) =>
    (service.peers ?? [])
      .filter((peer) => !byName.has(peer))
      .map((peer) => ({
        location: locationOf(service),
        message: `${JSON.stringify(peer)} is no service; there are ${[...byName.keys()].join(", ")}`,
      })),
  );
  const circle = findCircle(byName);
  if (circle === undefined) return unknown;
  const start = byName.get(circle[0] ?? "");
  if (start === undefined) return unknown;
  return [
    ...unknown,
    {
      location: locationOf(start),
      message: `${circle.join(" → ")} is a circle; remove one of these peers`,
    },
  ];
}

/** The services, each after all of its peers. Requires that there is no circle. */
export function inStartOrder(services: readonly Service[]): Service[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const ordered = new Set<Service>();
  const visit = (service: Service): void => {
    for (const peer of service.peers ?? []) {
      const next = byName.get(peer);
      if (next !== undefined && !ordered.has(next)) visit(next);
    }
    ordered.add(service);
  };
  services.forEach(visit);
  return [...ordered];
}

function findCircle(services: ReadonlyMap<string, Service>): string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const peer of services.get(name)?.peers ?? []) {
      const circle = walk(peer, [...path, name]);
      if (circle !== undefined) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of services.keys()) {
    const circle = walk(name, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
