import { describe, expect, test } from "vitest";
import { mergeSettings, serviceSettingsSchema, type ServiceSettings } from "../../../../components/service/service.ts";

describe("mergeSettings", () => {
  test.each<[what: string, layers: ServiceSettings[], merged: ServiceSettings]>([
    ["nothing makes nothing", [], {}],
    ["the last layer wins", [{ replicas: 1 }, { replicas: 2 }, { replicas: 3 }], { replicas: 3 }],
    ["a layer that says nothing changes nothing", [{ replicas: 2, port: 1 }, {}], { replicas: 2, port: 1 }],
    [
      "zero and false win too",
      [
        { replicas: 2, expose: true },
        { replicas: 0, expose: false },
      ],
      { replicas: 0, expose: false },
    ],
    [
      "maps are merged key by key",
      [{ env: { A: "1", B: "1" } }, { env: { B: "2", C: "2" } }],
      { env: { A: "1", B: "2", C: "2" } },
    ],
    [
      "maps in maps are merged too",
      [
        { resources: { requests: { cpu: "10m" }, limits: { memory: "64Mi" } } },
        { resources: { limits: { memory: "1Gi" } } },
      ],
      { resources: { requests: { cpu: "10m" }, limits: { memory: "1Gi" } } },
    ],
    [
      "what one strategy says is not said of another",
      [{ rollout: { strategy: "canary", steps: [{ weight: 50 }] } }, { rollout: { strategy: "blueGreen" } }],
      { rollout: { strategy: "blueGreen" } },
    ],
    [
      "what is said of the same strategy is",
      [
        { rollout: { strategy: "blueGreen", autoPromotion: "5m" } },
        { rollout: { strategy: "blueGreen", scaleDownDelay: "1m" } },
      ],
      { rollout: { strategy: "blueGreen", autoPromotion: "5m", scaleDownDelay: "1m" } },
    ],
    ["lists are replaced", [{ peers: ["a", "b"] }, { peers: ["c"] }], { peers: ["c"] }],
    ["an empty list replaces as well", [{ peers: ["a"] }, { peers: [] }], { peers: [] }],
    ["a map replaces a scalar", [{ expose: true }, { expose: { host: "h" } }], { expose: { host: "h" } }],
    ["a scalar replaces a map", [{ expose: { host: "h" } }, { expose: false }], { expose: false }],
    [
      "a probe is one thing",
      [{ probes: { liveness: { path: "/" } } }, { probes: { liveness: { exec: ["a"] } } }],
      { probes: { liveness: { exec: ["a"] } } },
    ],
    [
      "a file is one thing",
      [{ files: { "/a": { content: "" }, "/b": { content: "" } } }, { files: { "/a": { secret: "s" } } }],
      { files: { "/a": { secret: "s" }, "/b": { content: "" } } },
    ],
    [
      "what goes before the end is one thing",
      [{ preStop: { sleep: 1 } }, { preStop: { exec: ["a"] } }],
      { preStop: { exec: ["a"] } },
    ],
    [
      "a secret takes the place of an earlier plain variable",
      [{ env: { A: "1", B: "1" } }, { secrets: { A: "s" } }],
      { env: { B: "1" }, secrets: { A: "s" } },
    ],
    [
      "a plain variable takes the place of an earlier secret",
      [{ secrets: { A: "s" } }, { env: { A: "1" } }],
      { env: { A: "1" }, secrets: {} },
    ],
    [
      "ports take the place of an earlier port",
      [{ port: 1 }, { ports: { a: { port: 2 } } }],
      { ports: { a: { port: 2 } } },
    ],
    ["a port takes the place of earlier ports", [{ ports: { a: { port: 2 } } }, { port: 1 }], { port: 1 }],
    [
      "a port's number is another, and its protocol stays",
      [{ ports: { a: { port: 1, protocol: "gRPC" } } }, { ports: { a: { port: 2 } } }],
      { ports: { a: { port: 2, protocol: "gRPC" } } },
    ],
  ])("%s", (_what, layers, merged) => expect(mergeSettings(...layers)).toEqual(merged));

  test("leaves its layers alone: services share their defaults", () => {
    const defaults: ServiceSettings = { env: { A: "1" }, resources: { limits: { memory: "64Mi" } } };
    mergeSettings(defaults, { env: { A: "2", B: "2" }, resources: { limits: { cpu: "1" } } });
    expect(defaults).toEqual({ env: { A: "1" }, resources: { limits: { memory: "64Mi" } } });
  });
});

describe("serviceSettingsSchema", () => {
  const accepts = (settings: unknown): boolean => serviceSettingsSchema.safeParse(settings).success;
  test.each<[key: string, good: unknown[], bad: unknown[]]>([
    ["port", [1, 65_535], [0, 65_536, 80.5, "80"]],
    ["replicas", [0, 1, 100], [-1, 1.5, "1"]],
    [
      "autoscaling",
      [
        { min: 1, max: 1 },
        { min: 2, max: 5, cpu: 100 },
      ],
      [{ min: 0, max: 1 }, { min: 2, max: 1 }, { min: 1, max: 2, cpu: 101 }, { min: 1 }],
    ],
    [
      "resources",
      [{ requests: { cpu: "0.5" } }, { limits: { memory: "1Gi", "ephemeral-storage": "1G" } }],
      [{ limits: { gpu: "1" } }, { limits: { memory: "1 Gi" } }, { limit: {} }, { limits: { cpu: 1 } }],
    ],
    ["env", [{}, { A_1: "" }], [{ "A-B": "1" }, { "1A": "1" }, { A: 1 }]],
    ["secrets", [{ KEY: "name" }], [{ KEY: 1 }, { "KEY.X": "name" }]],
    ["peers", [[], ["user"]], ["user", [1]]],
    [
      "dependencies",
      [{ db: { address: "DB" } }, { db: { address: "DB", password: "PW" } }],
      [{ db: {} }, { db: { address: "D B" } }, { db: { address: "DB", user: "U" } }],
    ],
    [
      "probes",
      [{}, { liveness: "/healthz" }, { readiness: "tcp" }, { startup: { seconds: 120 } }],
      [{ liveness: "healthz" }, { liveness: "/a b" }, { start: "/" }, { readiness: "tcp:80" }],
    ],
    ["expose", [true, false, { host: "a.example" }, { path: "/api" }], ["yes", { path: "api" }, { port: 1 }]],
    [
      "egress",
      [[{ cidr: "10.0.0.0/8", port: 443 }]],
      [[{ cidr: "10.0.0.0", port: 443 }], [{ cidr: "10.0.0.0/33", port: 443 }], [{ port: 443 }]],
    ],
    [
      "test",
      ["none", { image: "cimg/rust:1.80", services: [{ image: "cimg/postgres:17.5" }] }],
      [
        { image: "--privileged" },
        { services: [{ image: "--privileged" }] },
        { services: [{ image: "redis other" }] },
        { services: [{ image: "" }] },
      ],
    ],
    [
      "verify",
      ["/healthz", "/a..b/.well-known/x?from=../y", "/...", "/a//b"].map((path) => ({ checks: [{ http: { path } }] })),
      // At the API server, these would lead away from the pod.
      ["/..", "/../../secrets", "/%2E%2e/x", "/.%2e?x", "/a/./b", "/a\\..\\b", "/a/..#b"].map((path) => ({
        checks: [{ http: { path } }],
      })),
    ],
    ["user", [1, 65_532], [0, -1, "nonroot"]],
  ])("%s", (key, good, bad) => {
    expect(good.filter((value) => !accepts({ [key]: value }))).toEqual([]);
    expect(bad.filter((value) => accepts({ [key]: value }))).toEqual([]);
  });
  test("refuses what it does not know", () => expect(accepts({ image: "evil" })).toBe(false));
});
