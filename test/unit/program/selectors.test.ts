import { describe, expect, test } from "vitest";
import { declareStack, objectsOfKind, stacks } from "../../support/declared-stack.ts";

type Labels = Record<string, string>;
type Peer = {
  podSelector?: { matchLabels: Labels };
  namespaceSelector?: { matchLabels: Labels };
  ipBlock?: { cidr: string };
};
type Port = { protocol: string; port: number };
type Policy = {
  metadata: { name: string };
  spec: {
    podSelector: { matchLabels: Labels };
    policyTypes: string[];
    ingress: { from?: Peer[]; ports: Port[] }[];
    egress: { to?: Peer[]; ports: Port[] }[];
  };
};
type Deployment = {
  metadata: { name: string };
  spec: {
    selector: { matchLabels: Labels };
    template: { metadata: { labels: Labels }; spec: { containers: { ports: { containerPort: number }[] }[] } };
  };
};

const dns = {
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};

describe.each(stacks)("in the %s stack", async (stack) => {
  const resources = await declareStack(stack);
  const deployments = objectsOfKind<Deployment>(resources, "Deployment");
  const policies = objectsOfKind<Policy>(resources, "NetworkPolicy");
  const selected = (selector: Labels): string[] => {
    const expected = Object.entries(selector);
    if (expected.length === 0) throw new Error("an empty selector selects everything");
    return deployments
      .filter(({ spec }) => expected.every(([key, value]) => spec.template.metadata.labels[key] === value))
      .map(({ metadata }) => metadata.name);
  };
  const pairs = (direction: "ingress" | "egress"): string[] =>
    policies.flatMap(({ metadata, spec }) =>
      spec[direction].flatMap((rule) => {
        const peers = ("from" in rule ? rule.from : "to" in rule ? rule.to : []) ?? [];
        const names = peers.flatMap(({ podSelector }) =>
          podSelector === undefined ? [] : selected(podSelector.matchLabels),
        );
        return names.flatMap((name) =>
          rule.ports.map(({ port }) =>
            direction === "egress" ? `${metadata.name} → ${name}:${port}` : `${name} → ${metadata.name}:${port}`,
          ),
        );
      }),
    );

  test("each Deployment has a policy that selects its pods, and no other's", () => {
    expect(policies.map(({ metadata }) => metadata.name).toSorted()).toEqual(
      deployments.map(({ metadata }) => metadata.name).toSorted(),
    );
    for (const { metadata, spec } of policies) expect(selected(spec.podSelector.matchLabels)).toEqual([metadata.name]);
  });
  test("Deployments, Services, budgets and spread constraints select their own pods, and no other's", () => {
    for (const { metadata, spec } of deployments) expect(selected(spec.selector.matchLabels)).toEqual([metadata.name]);
    for (const { metadata, spec } of objectsOfKind<{ metadata: { name: string }; spec: { selector: Labels } }>(
      resources,
      "Service",
    ))
      expect(selected(spec.selector)).toEqual([metadata.name]);
    for (const { metadata, spec } of objectsOfKind<Deployment>(resources, "PodDisruptionBudget"))
      expect(selected(spec.selector.matchLabels)).toEqual([metadata.name]);
  });
  test("each peer is a Deployment that is there, at a port that it listens on", () => {
    const peers = policies.flatMap(({ spec }) => [
      ...spec.ingress.flatMap(({ from }) => from ?? []),
      ...spec.egress.flatMap(({ to }) => to ?? []),
    ]);
    const selectors = peers.flatMap(({ podSelector }) => (podSelector === undefined ? [] : [podSelector.matchLabels]));
    for (const selector of selectors) expect(selected(selector)).toHaveLength(1);
    const listening = deployments.flatMap(({ metadata, spec }) =>
      spec.template.spec.containers.flatMap(({ ports }) =>
        ports.map(({ containerPort }) => `${metadata.name}:${containerPort}`),
      ),
    );
    for (const pair of pairs("egress")) expect(listening).toContain(pair.split(" → ")[1]);
    expect(pairs("egress").length).toBeGreaterThan(6);
  });
  test("who is let out to a service is let in by it, and the other way round", () =>
    expect(pairs("egress").toSorted()).toEqual(pairs("ingress").toSorted()));
  test("no rule is without a peer but the one for DNS, and no list of peers is empty", () => {
    for (const { spec } of policies) {
      expect(spec.policyTypes).toEqual(["Ingress", "Egress"]);
      for (const { from } of spec.ingress) expect(from?.length).toBeGreaterThan(0);
      expect(spec.egress.filter(({ to }) => to === undefined || to.length === 0)).toEqual([dns]);
    }
  });
});
