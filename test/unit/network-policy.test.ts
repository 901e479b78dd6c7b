import { describe, expect, test } from "vitest";
import { dependencyPolicy, networkPolicy, type NetworkPolicyArgs } from "../../components/manifests/network-policy.ts";
import { declareStack, objectsOfKind, stacks } from "../declared-stack.ts";
import { environment, sampleService } from "../sample-shop.ts";

type Labels = Record<string, string>;
type Peer = { podSelector?: { matchLabels: Labels }; namespaceSelector?: { matchLabels: Labels }; ipBlock?: { cidr: string } };
type Port = { protocol: string; port: number };
type Policy = {
  metadata: { name: string };
  spec: { podSelector: { matchLabels: Labels }; policyTypes: string[]; ingress: { from?: Peer[]; ports: Port[] }[]; egress: { to?: Peer[]; ports: Port[] }[] };
};
type Deployment = { metadata: { name: string }; spec: { selector: { matchLabels: Labels }; template: { metadata: { labels: Labels }; spec: { containers: { ports: { containerPort: number }[] }[] } } } };

const dns = { ports: [{ protocol: "UDP", port: 53 }, { protocol: "TCP", port: 53 }] };
const labels = (name: string): Labels => ({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop" });
const pods = (name: string): Peer => ({ podSelector: { matchLabels: labels(name) } });
const tcp = (port: number): Port[] => [{ protocol: "TCP", port }];
const none: NetworkPolicyArgs = { callers: [], peers: [], dependencies: [], externalPorts: [] };

describe("a service's policy", () => {
  test.each<[what: string, args: Partial<NetworkPolicyArgs>, egress: { cidr: string; port: number }[], spec: { ingress: object[]; egress: object[] }]>([
    // An empty `from` or a rule without one would let everybody in.
    ["nobody", {}, [], { ingress: [], egress: [dns] }],
    ["its callers", { callers: ["a", "b"] }, [], { ingress: [{ from: [pods("a"), pods("b")], ports: tcp(7070) }], egress: [dns] }],
    ["the ingress", { ingressNamespace: "nginx" }, [], { ingress: [{ from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "nginx" } } }], ports: tcp(7070) }], egress: [dns] }],
    ["its peers, each at its port", { peers: [{ name: "a", port: 1 }, { name: "b", port: 2 }] }, [], { ingress: [], egress: [dns, { to: [pods("a")], ports: tcp(1) }, { to: [pods("b")], ports: tcp(2) }] }],
    ["its database", { dependencies: [{ name: "db", port: 5432 }] }, [], { ingress: [], egress: [dns, { to: [pods("db")], ports: tcp(5432) }] }],
    ["a database elsewhere, at its port only", { externalPorts: [5433] }, [], { ingress: [], egress: [dns, { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: tcp(5433) }] }],
    ["what it declares", {}, [{ cidr: "10.0.0.0/8", port: 443 }], { ingress: [], egress: [dns, { to: [{ ipBlock: { cidr: "10.0.0.0/8" } }], ports: tcp(443) }] }],
  ])("lets through %s", (_what, args, egress, rules) => {
    expect(networkPolicy(environment, sampleService("link", { egress }), { ...none, ...args }).spec).toEqual({ podSelector: { matchLabels: labels("link") }, policyTypes: ["Ingress", "Egress"], ...rules });
  });
});

test.each<[users: string[], ingress: object[]]>([
  [[], []],
  [["link", "user"], [{ from: [pods("link"), pods("user")], ports: tcp(5432) }]],
])("a database lets in %j and goes nowhere", (users, ingress) => {
  expect(dependencyPolicy(environment, "db", 5432, users).spec).toEqual({ podSelector: { matchLabels: labels("db") }, policyTypes: ["Ingress", "Egress"], ingress, egress: [dns] });
});

describe.each(stacks)("in the %s stack", async (stack) => {
  const resources = await declareStack(stack);
  const deployments = objectsOfKind<Deployment>(resources, "Deployment");
  const policies = objectsOfKind<Policy>(resources, "NetworkPolicy");
  const selected = (selector: Labels): string[] => {
    const wanted = Object.entries(selector);
    if (wanted.length === 0) throw new Error("an empty selector selects everything");
    return deployments.filter(({ spec }) => wanted.every(([key, value]) => spec.template.metadata.labels[key] === value)).map(({ metadata }) => metadata.name);
  };
  const pairs = (direction: "ingress" | "egress"): string[] =>
    policies.flatMap(({ metadata, spec }) =>
      spec[direction].flatMap((rule) => {
        const peers = ("from" in rule ? rule.from : "to" in rule ? rule.to : []) ?? [];
        const names = peers.flatMap(({ podSelector }) => (podSelector === undefined ? [] : selected(podSelector.matchLabels)));
        return names.flatMap((name) => rule.ports.map(({ port }) => (direction === "egress" ? `${metadata.name} → ${name}:${port}` : `${name} → ${metadata.name}:${port}`)));
      }),
    );

  test("each Deployment has a policy that selects its pods, and no other's", () => {
    expect(policies.map(({ metadata }) => metadata.name).sort()).toEqual(deployments.map(({ metadata }) => metadata.name).sort());
    for (const { metadata, spec } of policies) expect(selected(spec.podSelector.matchLabels)).toEqual([metadata.name]);
  });
  test("Deployments, Services, budgets and spread constraints select their own pods, and no other's", () => {
    for (const { metadata, spec } of deployments) expect(selected(spec.selector.matchLabels)).toEqual([metadata.name]);
    for (const { metadata, spec } of objectsOfKind<{ metadata: { name: string }; spec: { selector: Labels } }>(resources, "Service")) expect(selected(spec.selector)).toEqual([metadata.name]);
    for (const { metadata, spec } of objectsOfKind<Deployment>(resources, "PodDisruptionBudget")) expect(selected(spec.selector.matchLabels)).toEqual([metadata.name]);
  });
  test("each peer is a Deployment that is there, at a port that it listens on", () => {
    const peers = policies.flatMap(({ spec }) => [...spec.ingress.flatMap(({ from }) => from ?? []), ...spec.egress.flatMap(({ to }) => to ?? [])]);
    for (const { podSelector } of peers) if (podSelector !== undefined) expect(selected(podSelector.matchLabels)).toHaveLength(1);
    const listening = deployments.flatMap(({ metadata, spec }) => spec.template.spec.containers.flatMap(({ ports }) => ports.map(({ containerPort }) => `${metadata.name}:${containerPort}`)));
    for (const pair of pairs("egress")) expect(listening).toContain(pair.split(" → ")[1]);
    expect(pairs("egress").length).toBeGreaterThan(6);
  });
  test("who is let out to a service is let in by it, and the other way round", () => expect(pairs("egress").sort()).toEqual(pairs("ingress").sort()));
  test("no rule is without a peer but the one for DNS, and no list of peers is empty", () => {
    for (const { spec } of policies) {
      expect(spec.policyTypes).toEqual(["Ingress", "Egress"]);
      for (const { from } of spec.ingress) expect(from?.length).toBeGreaterThan(0);
      expect(spec.egress.filter(({ to }) => to === undefined || to.length === 0)).toEqual([dns]);
    }
  });
});
