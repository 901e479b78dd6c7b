import type { Problem } from "../../core/problem.ts";
import { peerNames, peerVariables } from "./peer-settings.ts";
import { runsToCompletion } from "./kind.ts";
import { portsOf } from "./ports.ts";
import type { Service } from "./service.ts";

/**
 * Peers that do not exist or have no port, and variables that would have to hold several addresses.
 * @param locationOf where a service's peers stand: its own file, or a stack file
 */
export function peerProblems(services: readonly Service[], locationOf: (service: Service) => string): Problem[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const unknown = services.flatMap((service) =>
    peerNames(service.peers)
      .filter((peer) => !byName.has(peer))
      .map((peer) => ({
        location: locationOf(service),
        message: `${JSON.stringify(peer)} is no service; there are ${[...byName.keys()].join(", ")}`,
      })),
  );
  const portless = services.flatMap((service) =>
    peerNames(service.peers).flatMap((peer) => {
      const called = byName.get(peer);
      if (called === undefined || called.port !== undefined) return [];
      const kind = runsToCompletion(called) ? called.kind : "worker";
      const way =
        called.kind === undefined || called.kind === "server"
          ? `give ${peer} a port by \`port\` or by EXPOSE in ${called.dockerfile}`
          : `set \`kind\` of ${peer} to server`;
      const message = `${JSON.stringify(peer)} is a ${kind}, which nobody can call; remove it, or ${way}`;
      return [{ location: locationOf(service), message }];
    }),
  );
  const ambiguous = services.flatMap((service) =>
    sharedVariables(service).map(([variable, owners]) => ({
      location: locationOf(service),
      message: `${variable} is to hold the addresses of ${owners.join(" and ")}; give each a variable of its own`,
    })),
  );
  const portNames = services.flatMap((service) =>
    peerNames(service.peers).flatMap((peer) => {
      const ports = portsOf(byName.get(peer) ?? {}).map(({ name }) => name);
      return peerVariables(service.peers, peer).flatMap(({ variable, port }) =>
        port === undefined || ports.length === 0 || ports.includes(port)
          ? []
          : [
              {
                location: locationOf(service),
                message: `${variable} leads to the port ${JSON.stringify(port)} of ${peer}, which has ${ports.join(", ")}; name one of those`,
              },
            ],
      );
    }),
  );
  return [...unknown, ...portless, ...portNames, ...ambiguous];
}

/** The variables that are to hold the address of a peer and another one, and whose these are. */
function sharedVariables({ peers, dependencies }: Service): (readonly [variable: string, owners: string[]])[] {
  const ofPeers = [...new Set(peerNames(peers))].flatMap((peer) =>
    peerVariables(peers, peer).map(({ variable }) => [variable, `the peer ${peer}`] as const),
  );
  const ofDependencies = Object.entries(dependencies ?? {}).map(
    ([name, { address }]) => [address, `the dependency ${name}`] as const,
  );
  const owners = Map.groupBy([...ofPeers, ...ofDependencies], ([variable]) => variable);
  // Of two dependencies with one variable, an environment may have just one.
  return [...new Set(ofPeers.map(([variable]) => variable))].flatMap((variable) => {
    const names = (owners.get(variable) ?? []).map(([, owner]) => owner);
    return names.length < 2 ? [] : [[variable, names] as const];
  });
}

/** A service, and the services that must be reachable before it starts. */
export interface ServiceStart {
  readonly service: Service;
  readonly after: readonly string[];
}

/**
 * The services, each after those that it calls. Services that call one another in a circle start side by side: none of them
 * could wait for the others.
 */
export function inStartOrder(services: readonly Service[]): ServiceStart[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const calledBy = (name: string): string[] => peerNames(byName.get(name)?.peers).filter((peer) => byName.has(peer));
  return circles([...byName.keys()], calledBy).flatMap((circle) =>
    circle.flatMap((name) => {
      const service = byName.get(name);
      return service === undefined ? [] : [{ service, after: calledBy(name).filter((peer) => !circle.includes(peer)) }];
    }),
  );
}

/**
 * The strongly connected components of a graph, each after all that it leads to (Tarjan's algorithm); most are a single node.
 * In each, the nodes are in the order in which they were given.
 */
function circles(nodes: readonly string[], next: (node: string) => readonly string[]): string[][] {
  const order = new Map(nodes.map((node, index) => [node, index]));
  const index = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const at = (node: string): number => lowest.get(node) ?? Infinity;
  const visit = (node: string): void => {
    const own = index.size;
    index.set(node, own);
    lowest.set(node, own);
    open.push(node);
    for (const other of next(node)) {
      if (!index.has(other)) visit(other);
      if (open.includes(other)) lowest.set(node, Math.min(at(node), at(other)));
    }
    if (at(node) === own)
      found.push(open.splice(open.indexOf(node)).toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0)));
  };
  for (const node of nodes) if (!index.has(node)) visit(node);
  return found;
}
