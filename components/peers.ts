import type { Problem } from "../core/problem.ts";
import type { Service } from "./service.ts";

/**
 * Peers that do not exist or have no port, and circles of peers: services start after those that they call, so a circle could never start.
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
  const portless = services.flatMap((service) =>
    (service.peers ?? []).flatMap((peer) => {
      const called = byName.get(peer);
      if (called === undefined || called.port !== undefined) return [];
      const message = `${JSON.stringify(peer)} is a worker, which nobody can call; remove it, or give ${peer} a port by \`port\` or by EXPOSE in ${called.dockerfile}`;
      return [{ location: locationOf(service), message }];
    }),
  );
  const circle = findCircle(byName);
  const start = byName.get(circle?.[0] ?? "");
  if (circle === undefined || start === undefined) return [...unknown, ...portless];
  const others = circle.slice(1, -1).flatMap((name) => byName.get(name) ?? []);
  const elsewhere = [...new Set(others.map(locationOf))].filter((location) => location !== locationOf(start));
  const also = elsewhere.length === 0 ? "" : `, here or in ${elsewhere.join(", ")}`;
  return [
    ...unknown,
    ...portless,
    {
      location: locationOf(start),
      message: `${circle.join(" → ")} is a circle; remove one of these peers${also}`,
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
