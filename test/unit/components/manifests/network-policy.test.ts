import { describe, expect, test } from "vitest";
import {
  dependencyPolicy,
  networkPolicy,
  type NetworkPolicyArgs,
} from "../../../../components/manifests/network-policy.ts";
import { environment, sampleService } from "../../../support/sample-shop.ts";

type Labels = Record<string, string>;
type Peer = {
  podSelector?: { matchLabels: Labels };
  namespaceSelector?: { matchLabels: Labels };
  ipBlock?: { cidr: string };
};
type Port = { protocol: string; port: number };

const dns = {
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};
const labels = (name: string): Labels => ({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop" });
const pods = (name: string): Peer => ({ podSelector: { matchLabels: labels(name) } });
const tcp = (port: number): Port[] => [{ protocol: "TCP", port }];
const none: NetworkPolicyArgs = { callers: [], peers: [], dependencies: [], externalPorts: [] };

describe("a service's policy", () => {
  test.each<
    [
      what: string,
      args: Partial<NetworkPolicyArgs>,
      egress: { cidr: string; port: number }[],
      spec: { ingress: object[]; egress: object[] },
    ]
  >([
    // An empty `from` or a rule without one would let everybody in.
    ["nobody", {}, [], { ingress: [], egress: [dns] }],
    [
      "its callers",
      { callers: ["a", "b"] },
      [],
      { ingress: [{ from: [pods("a"), pods("b")], ports: tcp(7070) }], egress: [dns] },
    ],
    [
      "the ingress",
      { entry: { namespace: "nginx", port: { name: "http", port: 7070, protocol: "TCP" } } },
      [],
      {
        ingress: [
          {
            from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "nginx" } } }],
            ports: tcp(7070),
          },
        ],
        egress: [dns],
      },
    ],
    [
      "its peers, each at its port",
      {
        peers: [
          { name: "a", ports: [{ name: "http", port: 1, protocol: "TCP" }] },
          { name: "b", ports: [{ name: "http", port: 2, protocol: "TCP" }] },
        ],
      },
      [],
      { ingress: [], egress: [dns, { to: [pods("a")], ports: tcp(1) }, { to: [pods("b")], ports: tcp(2) }] },
    ],
    [
      "its database",
      { dependencies: [{ name: "db", port: 5432 }] },
      [],
      { ingress: [], egress: [dns, { to: [pods("db")], ports: tcp(5432) }] },
    ],
    [
      "a database elsewhere, at its port only",
      { externalPorts: [5433] },
      [],
      { ingress: [], egress: [dns, { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: tcp(5433) }] },
    ],
    [
      "what it declares",
      {},
      [{ cidr: "10.0.0.0/8", port: 443 }],
      { ingress: [], egress: [dns, { to: [{ ipBlock: { cidr: "10.0.0.0/8" } }], ports: tcp(443) }] },
    ],
  ])("lets through %s", (_what, args, egress, rules) => {
    expect(networkPolicy(environment, sampleService("link", { egress }), { ...none, ...args }).spec).toEqual({
      podSelector: { matchLabels: labels("link") },
      policyTypes: ["Ingress", "Egress"],
      ...rules,
    });
  });
});

test("who comes from outside reaches the port that its route leads to, and callers reach all of them", () => {
  const service = sampleService("link", { ports: { http: { port: 80 }, metrics: { port: 9100 } } });
  const entry = { namespace: "nginx", port: { name: "http", port: 80, protocol: "TCP" } as const };
  const outside = {
    from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "nginx" } } }],
    ports: tcp(80),
  };
  const inside = { from: [pods("a")], ports: [...tcp(80), ...tcp(9100)] };
  const policyFor = (args: Partial<NetworkPolicyArgs>): unknown =>
    networkPolicy(environment, service, { ...none, ...args });
  expect(policyFor({ entry })).toMatchObject({ spec: { ingress: [outside] } });
  expect(policyFor({ entry, callers: ["a"] })).toMatchObject({ spec: { ingress: [inside, outside] } });
});

test.each<[users: string[], ingress: object[]]>([
  [[], []],
  [["link", "user"], [{ from: [pods("link"), pods("user")], ports: tcp(5432) }]],
])("a database lets in %j and goes nowhere", (users, ingress) => {
  expect(dependencyPolicy(environment, "db", 5432, users).spec).toEqual({
    podSelector: { matchLabels: labels("db") },
    policyTypes: ["Ingress", "Egress"],
    ingress,
    egress: [dns],
  });
});
