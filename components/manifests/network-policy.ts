import type { types } from "@pulumi/kubernetes";
import { portsOf, transportOf, type NamedPort } from "../service/ports.ts";
import type { Service } from "../service/service.ts";
import { migrationName } from "../../core/names.ts";
import { metadata, selectorLabels, type Environment } from "./metadata.ts";

type Peer = types.input.networking.v1.NetworkPolicyPeer;
type Port = { readonly protocol: "TCP" | "UDP"; readonly port: number };
type Rule = { readonly peers: Peer[]; readonly ports: readonly Port[] };

export interface NetworkPolicyArgs {
  /** The services that call this one. */
  callers: readonly string[];
  /** The services that it calls, with all their ports. */
  peers: readonly { name: string; ports: readonly NamedPort[] }[];
  /** Its databases and caches in this namespace. */
  dependencies: readonly { name: string; port: number }[];
  /** The ports of those elsewhere; a policy cannot name their hosts. */
  externalPorts: readonly number[];
  /** Where requests from outside come from and which of its ports they go to, for an exposed service. */
  entry?: { readonly namespace: string; readonly port: NamedPort } | undefined;
}

/** Lets in who calls a service and lets out whom it calls; all else is refused. DNS is always let out. */
export function networkPolicy(
  environment: Environment,
  service: Service,
  args: NetworkPolicyArgs,
): types.input.networking.v1.NetworkPolicy {
  const pods = (name: string): Peer => ({ podSelector: { matchLabels: selectorLabels(environment, name) } });
  const callers = args.callers.map(pods);
  const ports = portsOf(service).map(portRule);
  const entry = args.entry === undefined ? [] : [entryRule(args.entry)];
  // Where both may reach all there is, it is one rule, as it was before services had several ports.
  const ingress =
    ports.length === 1
      ? [{ peers: [...callers, ...entry.flatMap(({ peers }) => peers)], ports }]
      : [{ peers: callers, ports }, ...entry];
  return policy(environment, service.name, ingress, egressRules(environment, service, args));
}

/** Whoever comes from outside reaches the port that its route leads to, and none that is for peers alone. */
function entryRule({ namespace, port }: NonNullable<NetworkPolicyArgs["entry"]>): Rule {
  const peer = { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } };
  return { peers: [peer], ports: [portRule(port)] };
}

function egressRules(
  environment: Environment,
  service: Service,
  args: Pick<NetworkPolicyArgs, "peers" | "dependencies" | "externalPorts">,
): Rule[] {
  const pods = (name: string): Peer => ({ podSelector: { matchLabels: selectorLabels(environment, name) } });
  return [
    ...args.peers.map(({ name, ports }) => ({ peers: [pods(name)], ports: ports.map(portRule) })),
    ...args.dependencies.map(({ name, port }) => ({ peers: [pods(name)], ports: [tcp(port)] })),
    ...args.externalPorts.map((port) => ({ peers: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [tcp(port)] })),
    ...(service.egress ?? []).map(({ cidr, port }) => ({ peers: [{ ipBlock: { cidr } }], ports: [tcp(port)] })),
  ];
}

/** Lets a service's migrations out to its databases and caches, and nobody in. */
export function migrationPolicy(
  environment: Environment,
  service: Service,
  { dependencies, externalPorts }: Pick<NetworkPolicyArgs, "dependencies" | "externalPorts">,
): types.input.networking.v1.NetworkPolicy {
  const name = migrationName(service.name);
  const egress = egressRules(environment, service, { peers: [], dependencies, externalPorts });
  return policy(environment, name, [], egress);
}

/** Lets in only the users of a database or cache, and lets it out nowhere. */
export function dependencyPolicy(
  environment: Environment,
  name: string,
  port: number,
  users: readonly string[],
): types.input.networking.v1.NetworkPolicy {
  return policy(
    environment,
    name,
    [
      {
        peers: users.map((user) => ({ podSelector: { matchLabels: selectorLabels(environment, user) } })),
        ports: [tcp(port)],
      },
    ],
    [],
  );
}

function tcp(port: number): Port {
  return { protocol: "TCP", port };
}

function portRule(port: NamedPort): Port {
  return { protocol: transportOf(port), port: port.port };
}

function policy(
  environment: Environment,
  name: string,
  ingress: readonly Rule[],
  egress: readonly Rule[],
): types.input.networking.v1.NetworkPolicy {
  return {
    metadata: metadata(environment, name),
    spec: {
      podSelector: { matchLabels: selectorLabels(environment, name) },
      policyTypes: ["Ingress", "Egress"],
      // A rule without peers would let everybody in: no peers means no rule.
      ingress: ingress
        .filter(({ peers, ports }) => peers.length > 0 && ports.length > 0)
        .map(({ peers, ports }) => ({ from: peers, ports: [...ports] })),
      egress: [
        {
          ports: [
            { protocol: "UDP", port: 53 },
            { protocol: "TCP", port: 53 },
          ],
        },
        ...egress.map((rule) => ({ to: rule.peers, ports: [...rule.ports] })),
      ],
    },
  };
}
