import { describe, expect, test } from "vitest";
import { inStartOrder, peerProblems } from "../../../components/peers.ts";
import type { Service } from "../../../components/service.ts";
import { sampleService } from "../../support/sample-shop.ts";

const services = (graph: Record<string, string[]>): Service[] =>
  Object.entries(graph).map(([name, peers]) => sampleService(name, { peers }));

const locationOf = ({ directory }: Service): string => `${directory}/service.yaml: peers`;

describe("peerProblems", () => {
  test.each<[what: string, graph: Record<string, string[]>, messages: RegExp[]]>([
    ["no peers", { a: [], b: [] }, []],
    ["a chain", { a: ["b"], b: ["c"], c: [] }, []],
    ["a diamond, which is no circle", { a: ["b", "c"], b: ["d"], c: ["d"], d: [] }, []],
    ["an unknown peer", { a: ["x"], b: [] }, [/^"x" is no service; there are a, b$/]],
    ["two unknown peers", { a: ["x"], b: ["y"] }, [/^"x"/, /^"y"/]],
    ["a service that calls itself", { a: ["a"] }, [/^a → a is a circle/]],
    ["two that call each other", { a: ["b"], b: ["a"] }, [/^a → b → a is a circle/]],
    [
      "a circle of three, without the way to it",
      { start: ["a"], a: ["b"], b: ["c"], c: ["a"] },
      [/^a → b → c → a is a circle/],
    ],
    ["a circle behind a part that is fine", { a: ["b"], b: [], c: ["b", "d"], d: ["c"] }, [/^c → d → c is a circle/]],
    ["a circle and an unknown peer", { a: ["b", "x"], b: ["a"] }, [/^"x"/, /circle/]],
  ])("%s", (_what, graph, messages) => {
    const problems = peerProblems(services(graph), locationOf);
    expect(problems).toHaveLength(messages.length);
    messages.forEach((message, index) => expect(problems[index]?.message).toMatch(message));
  });

  test("nobody calls a worker", () => {
    const [caller, worker] = [sampleService("a", { peers: ["b"] }), sampleService("b", { port: undefined })];
    expect(peerProblems([caller, worker], locationOf)).toEqual([
      {
        location: "svc/a_service/service.yaml: peers",
        message:
          '"b" is a worker, which nobody can call; remove it, or give b a port by `port` or by EXPOSE in svc/b_service/Dockerfile',
      },
    ]);
  });

  test("name the file that has the peers", () => {
    expect(peerProblems(services({ a: [], b: ["c"], c: ["b"] }), locationOf)[0]?.location).toBe(
      "svc/b_service/service.yaml: peers",
    );
    expect(peerProblems(services({ a: [], b: ["x"] }), locationOf)[0]?.location).toBe(
      "svc/b_service/service.yaml: peers",
    );
  });
});

describe("inStartOrder", () => {
  test.each<[graph: Record<string, string[]>, order: string]>([
    [{ a: [], b: [] }, "a b"],
    [{ a: ["b"], b: ["c"], c: [] }, "c b a"],
    [{ a: ["b", "c"], b: ["d"], c: ["d"], d: [] }, "d b c a"],
    [
      { gateway: ["link", "news", "user"], link: ["graph"], news: ["link", "graph"], graph: [], user: [] },
      "graph link news user gateway",
    ],
  ])("%j starts as %s", (graph, order) => {
    expect(
      inStartOrder(services(graph))
        .map(({ name }) => name)
        .join(" "),
    ).toBe(order);
  });

  test("keeps every service once, and each after its peers, in any order of discovery", () => {
    const graph = { a: ["c", "e"], b: ["a"], c: ["d"], d: [], e: ["c", "d"] };
    for (let rotation = 0; rotation < 5; rotation++) {
      const found = services(graph);
      const order = inStartOrder([...found.slice(rotation), ...found.slice(0, rotation)]);
      expect(order.map(({ name }) => name).toSorted()).toEqual(["a", "b", "c", "d", "e"]);
      for (const [index, { peers }] of order.entries()) {
        const started = order.slice(0, index).map(({ name }) => name);
        expect(started).toEqual(expect.arrayContaining(peers ?? []));
      }
    }
  });
});
