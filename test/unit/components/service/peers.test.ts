import { describe, expect, test } from "vitest";
import { peerNames } from "../../../../components/service/peer-settings.ts";
import { inStartOrder, peerProblems } from "../../../../components/service/peers.ts";
import type { Service } from "../../../../components/service/service.ts";
import { sampleService } from "../../../support/sample-shop.ts";

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
    ["a service that calls itself", { a: ["a"] }, []],
    ["two that call each other", { a: ["b"], b: ["a"] }, []],
    ["a circle and an unknown peer", { a: ["b", "x"], b: ["a"] }, [/^"x"/]],
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

  test.each<[what: string, settings: Partial<Service>, messages: string[]]>([
    ["a variable per peer", { peers: { b: "B_ADDR", c: "C_ADDR" } }, []],
    ["several variables of one peer", { peers: { b: ["B_ADDR", "B_URL"] } }, []],
    [
      "a variable for two peers",
      { peers: { b: "ADDR", c: ["C", "ADDR"] } },
      ["ADDR is to hold the addresses of the peer b and the peer c; give each a variable of its own"],
    ],
    [
      "one variable twice for a peer",
      { peers: { b: ["B_URL", { variable: "B_URL", form: "host" }] } },
      ["B_URL is to hold the addresses of the peer b and the peer b; give each a variable of its own"],
    ],
    [
      "the variable of a dependency, too",
      { peers: { b: "DB" }, dependencies: { db: { address: "DB" } } },
      ["DB is to hold the addresses of the peer b and the dependency db; give each a variable of its own"],
    ],
    [
      "a variable for two dependencies, of which an environment may have one",
      { peers: {}, dependencies: { one: { address: "DB" }, other: { address: "DB" } } },
      [],
    ],
  ])("%s", (_what, settings, messages) => {
    const found = [sampleService("a", settings), sampleService("b"), sampleService("c")];
    expect(peerProblems(found, locationOf)).toEqual(
      messages.map((message) => ({ location: "svc/a_service/service.yaml: peers", message })),
    );
  });

  test("name the file that has the peers", () => {
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
    [{ a: ["b"], b: ["a"] }, "a b"],
    [{ start: ["a"], a: ["b"], b: ["c"], c: ["a"] }, "a b c start"],
  ])("%j starts as %s", (graph, order) => {
    expect(
      inStartOrder(services(graph))
        .map(({ service }) => service.name)
        .join(" "),
    ).toBe(order);
  });

  test.each<[what: string, graph: Record<string, string[]>, after: Record<string, string[]>]>([
    ["what it calls", { a: ["b", "c"], b: [], c: [] }, { a: ["b", "c"], b: [], c: [] }],
    ["not itself", { a: ["a", "b"], b: [] }, { a: ["b"], b: [] }],
    ["none of its circle, directly or through others", { a: ["b"], b: ["c"], c: ["a"] }, { a: [], b: [], c: [] }],
    [
      "what its circle calls, and after the circle whoever calls that",
      { start: ["a"], a: ["b"], b: ["a", "end"], end: [] },
      { start: ["a"], a: [], b: ["end"], end: [] },
    ],
    ["one circle after another", { a: ["b", "c"], b: ["a"], c: ["d"], d: ["c"] }, { a: ["c"], b: [], c: [], d: [] }],
  ])("a service starts after %s", (_what, graph, after) => {
    const starts = inStartOrder(services(graph));
    expect(Object.fromEntries(starts.map((start) => [start.service.name, start.after]))).toEqual(after);
    starts.forEach((start, index) =>
      expect(starts.slice(0, index).map(({ service }) => service.name)).toEqual(
        expect.arrayContaining([...start.after]),
      ),
    );
  });

  test("keeps every service once, and each after its peers, in any order of discovery", () => {
    const graph = { a: ["c", "e"], b: ["a"], c: ["d"], d: [], e: ["c", "d"] };
    for (let rotation = 0; rotation < 5; rotation++) {
      const found = services(graph);
      const order = inStartOrder([...found.slice(rotation), ...found.slice(0, rotation)]);
      expect(order.map(({ service }) => service.name).toSorted()).toEqual(["a", "b", "c", "d", "e"]);
      for (const [index, { service }] of order.entries()) {
        const started = order.slice(0, index).map((start) => start.service.name);
        expect(started).toEqual(expect.arrayContaining(peerNames(service.peers)));
      }
    }
  });
});
