import { describe, expect, test } from "vitest";
import { containerProbes, startSeconds, type ProbeSettings } from "../../../../components/service/probes.ts";
import type { NamedPort } from "../../../../components/service/ports.ts";

const http: NamedPort = { name: "http", port: 8080, protocol: "TCP" };
const admin: NamedPort = { name: "admin", port: 8081, protocol: "TCP" };
const rpc: NamedPort = { name: "rpc", port: 9090, protocol: "gRPC" };
const dns: NamedPort = { name: "dns", port: 53, protocol: "UDP" };
const tcp = { tcpSocket: { port: "http" } };
const exec = ["pg_isready", "-q"];

describe("the probes of a container", () => {
  test.each<
    [
      what: string,
      settings: ProbeSettings,
      ports: NamedPort[],
      starts: object | undefined,
      lives: object | undefined,
      isReady: object | undefined,
    ]
  >([
    ["ask its port by default", {}, [http], tcp, tcp, tcp],
    ["ask its primary port", {}, [admin, http], tcp, tcp, tcp],
    [
      "ask one of gRPC by a connection, unless told otherwise",
      {},
      [rpc],
      { tcpSocket: { port: "rpc" } },
      { tcpSocket: { port: "rpc" } },
      { tcpSocket: { port: "rpc" } },
    ],
    ["ask nothing of a worker", {}, [], undefined, undefined, undefined],
    ["ask nothing where all is UDP", {}, [dns], undefined, undefined, undefined],
    [
      "ask paths",
      { liveness: "/healthz", readiness: "/readyz" },
      [http],
      { httpGet: { path: "/healthz", port: "http" } },
      { httpGet: { path: "/healthz", port: "http" } },
      { httpGet: { path: "/readyz", port: "http" } },
    ],
    [
      "ask paths at a port that knows them",
      { readiness: "/readyz" },
      [rpc, admin],
      { tcpSocket: { port: "rpc" } },
      { tcpSocket: { port: "rpc" } },
      { httpGet: { path: "/readyz", port: "admin" } },
    ],
    [
      "ask a path at another port",
      { liveness: { path: "/", port: "admin" } },
      [http, admin],
      { httpGet: { path: "/", port: "admin" } },
      { httpGet: { path: "/", port: "admin" } },
      tcp,
    ],
    [
      "ask another port for a connection",
      { readiness: { tcp: "admin" } },
      [http, admin],
      tcp,
      tcp,
      { tcpSocket: { port: "admin" } },
    ],
    [
      "ask gRPC where it is spoken",
      { liveness: "grpc" },
      [http, rpc],
      { grpc: { port: 9090 } },
      { grpc: { port: 9090 } },
      tcp,
    ],
    [
      "ask gRPC at a port that does not say so",
      { liveness: "grpc" },
      [http],
      { grpc: { port: 8080 } },
      { grpc: { port: 8080 } },
      tcp,
    ],
    [
      "ask for a service of gRPC",
      { readiness: { grpc: "rpc", service: "cart.v1.Cart" } },
      [rpc],
      { tcpSocket: { port: "rpc" } },
      { tcpSocket: { port: "rpc" } },
      { grpc: { port: 9090, service: "cart.v1.Cart" } },
    ],
    [
      "run a command, with time to do so",
      { liveness: { exec } },
      [],
      { exec: { command: exec }, timeoutSeconds: 5 },
      { exec: { command: exec }, timeoutSeconds: 5 },
      undefined,
    ],
    [
      "give a command the time that is set",
      { readiness: { exec, timeoutSeconds: 9 } },
      [http],
      tcp,
      tcp,
      { exec: { command: exec }, timeoutSeconds: 9 },
    ],
    [
      "ask nothing where nothing is wanted",
      { liveness: "none", readiness: "none" },
      [http],
      undefined,
      undefined,
      undefined,
    ],
    [
      "do not end a start that is not to be ended later either",
      { liveness: "none" },
      [http],
      undefined,
      undefined,
      tcp,
    ],
    ["end it where a limit is set", { liveness: "none", startup: { seconds: 9 } }, [http], tcp, undefined, tcp],
    ["have no limit for the start where none is wanted", { startup: "none" }, [http], undefined, tcp, tcp],
    [
      "ask something else while it starts",
      { startup: { path: "/started" } },
      [http],
      { httpGet: { path: "/started", port: "http" } },
      tcp,
      tcp,
    ],
  ])("%s", (_what, settings, ports, starts, lives, isReady) => {
    const found = containerProbes(settings, ports);
    const without = (probe: object | undefined): object | undefined =>
      probe && Object.fromEntries(Object.entries(probe).filter(([key]) => !/^(period|failure)/.test(key)));
    expect([found.startupProbe, found.livenessProbe, found.readinessProbe].map(without)).toEqual([
      starts,
      lives,
      isReady,
    ]);
  });
});

test("a start is asked for every second, until its limit; the others at their own pace", () => {
  expect(containerProbes({}, [http])).toEqual({
    startupProbe: { ...tcp, periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...tcp, periodSeconds: 10, failureThreshold: 6 },
    readinessProbe: { ...tcp, periodSeconds: 5 },
  });
  const set: ProbeSettings = {
    liveness: { tcp: "http", periodSeconds: 30, failureThreshold: 2 },
    readiness: { tcp: "http", failureThreshold: 1 },
    startup: { seconds: 120, timeoutSeconds: 3 },
  };
  expect(containerProbes(set, [http])).toEqual({
    startupProbe: { ...tcp, timeoutSeconds: 3, periodSeconds: 1, failureThreshold: 120 },
    livenessProbe: { ...tcp, periodSeconds: 30, failureThreshold: 2 },
    readinessProbe: { ...tcp, periodSeconds: 5, failureThreshold: 1 },
  });
});

test.each<[ProbeSettings | undefined, number]>([
  [undefined, 60],
  [{ startup: "/x" }, 60],
  [{ startup: { seconds: 300 } }, 300],
])("with %j, a start may take %i s", (settings, seconds) => expect(startSeconds(settings)).toBe(seconds));
