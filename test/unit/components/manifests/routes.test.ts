import { describe, expect, test } from "vitest";
import { routeAddress, routeHost, routes, type GatewaySettings } from "../../../../components/manifests/routes.ts";
import type { Service } from "../../../../components/service/service.ts";
import { environment, sampleService } from "../../../support/sample-shop.ts";

const settings: GatewaySettings = {
  name: "public",
  namespace: "gateways",
  domain: "dev.shop.example",
  scheme: "https",
};
const gateway = (expose: NonNullable<Service["expose"]>, name = "api-gateway") => ({
  ...sampleService(name, { expose }),
  port: 8080,
});

test.each<[expose: NonNullable<Service["expose"]>, host: string, path: string]>([
  [true, "api-gateway.dev.shop.example", "/"],
  [{}, "api-gateway.dev.shop.example", "/"],
  [{ host: "api.shop.example" }, "api.shop.example", "/"],
  [{ path: "/api" }, "api-gateway.dev.shop.example", "/api"],
  [{ host: "api.shop.example", path: "/v1" }, "api.shop.example", "/v1"],
])("exposed as %j it is at %s%s, and nowhere else", (expose, host, path) => {
  expect(routeHost(gateway(expose), settings)).toBe(host);
  expect(routes(environment, gateway(expose), settings).httpRoute).toEqual({
    metadata: expect.objectContaining({ name: "api-gateway", namespace: "shop-dev" }),
    spec: {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "public", namespace: "gateways" }],
      hostnames: [host],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: path } }],
          backendRefs: [{ group: "", kind: "Service", name: "api-gateway", port: 8080, weight: 1 }],
        },
      ],
    },
  });
});

test("a listener that is named is the only one that it attaches to", () => {
  const { httpRoute } = routes(environment, gateway(true), { ...settings, listener: "https" });
  expect(httpRoute?.spec.parentRefs).toMatchObject([{ name: "public", sectionName: "https" }]);
});

describe("of several ports", () => {
  const ports = { metrics: { port: 9100 }, http: { port: 8080 }, grpc: { port: 9090, protocol: "gRPC" } } as const;
  const service = (expose: NonNullable<Service["expose"]>) => sampleService("cart", { ports, expose });

  test.each<[expose: NonNullable<Service["expose"]>, port: number]>([
    [true, 8080],
    [{ port: "metrics" }, 9100],
  ])("%j leads to %i by HTTP", (expose, port) => {
    const { httpRoute, grpcRoute } = routes(environment, service(expose), settings);
    expect(httpRoute?.spec.rules).toMatchObject([{ backendRefs: [{ name: "cart", port }] }]);
    expect(grpcRoute).toBeUndefined();
  });

  test("one that speaks gRPC has a route of that, for all of its methods", () => {
    const { httpRoute, grpcRoute } = routes(environment, service({ port: "grpc" }), settings);
    expect(httpRoute).toBeUndefined();
    expect(grpcRoute?.spec).toEqual({
      parentRefs: [expect.objectContaining({ name: "public" })],
      hostnames: ["cart.dev.shop.example"],
      rules: [{ backendRefs: [{ group: "", kind: "Service", name: "cart", port: 9090, weight: 1 }] }],
    });
  });
});

describe("clients reach it at", () => {
  test.each<[what: string, rest: Partial<GatewaySettings>, address: string]>([
    ["the domain", {}, "https://api-gateway.dev.shop.example"],
    ["another scheme and port", { scheme: "http", port: 8480 }, "http://api-gateway.dev.shop.example:8480"],
    ["one label more for a pull request", { hostPrefix: "pr-7-" }, "https://pr-7-api-gateway.dev.shop.example"],
  ])("%s", (_what, rest, address) => expect(routeAddress(gateway(true), { ...settings, ...rest })).toBe(address));

  test("a host that DNS takes, however long its name is, and no other service's", () => {
    const names = [`${"a".repeat(62)}b`, `${"a".repeat(62)}c`];
    const labels = names.map(
      (name) => routeHost(gateway(true, name), { ...settings, hostPrefix: "pr-7-" }).split(".")[0],
    );
    for (const label of labels) expect(label).toMatch(/^pr-7-a+-[0-9a-f]{8}$/);
    expect(new Set([...labels, ...labels.map((label) => label?.length)])).toEqual(new Set([...labels, 63]));
  });
});
