import { describe, expect, test } from "vitest";
import { serviceManifests, serviceAddress } from "../../../../components/manifests/manifests.ts";
import { duplicatePorts, portsOf, primaryPort, type NamedPort } from "../../../../components/service/ports.ts";
import type { Service } from "../../../../components/service/service.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

const ports: NonNullable<Service["ports"]> = {
  rpc: { port: 9090, protocol: "gRPC" },
  http: { port: 8080 },
  dns: { port: 53, protocol: "UDP" },
  "dns-tcp": { port: 53, protocol: "TCP" },
};
const named = (...list: [name: string, protocol?: NamedPort["protocol"]][]): NamedPort[] =>
  list.map(([name, protocol = "TCP"], index) => ({ name, port: index + 1, protocol }));

test.each<[what: string, ports: NamedPort[], name: string | undefined]>([
  ["none", [], undefined],
  ["the only one", named(["web"]), "web"],
  ["http", named(["web"], ["http"]), "http"],
  ["the first", named(["web"], ["admin"]), "web"],
  ["the first over TCP", named(["dns", "UDP"], ["web"]), "web"],
  ["one of gRPC as well", named(["dns", "UDP"], ["rpc", "gRPC"], ["web"]), "rpc"],
  ["one over UDP where all are", named(["dns", "UDP"], ["log", "UDP"]), "dns"],
])("the primary port is %s", (_what, of, name) => expect(primaryPort(of)?.name).toBe(name));

test("a number may be there once over TCP, which gRPC is, too, and once over UDP", () => {
  const at = (name: string, port: number, protocol: NamedPort["protocol"]): NamedPort => ({ name, port, protocol });
  expect(duplicatePorts([at("a", 53, "TCP"), at("b", 53, "UDP"), at("c", 54, "UDP")])).toEqual([]);
  expect(duplicatePorts([at("a", 53, "TCP"), at("b", 53, "gRPC")])).toEqual([["b", "a"]]);
  expect(duplicatePorts([at("a", 53, "UDP"), at("b", 1, "UDP"), at("c", 53, "UDP")])).toEqual([["c", "a"]]);
});

describe("a service with several ports", () => {
  const link = sampleService("link", { port: 8080, ports });
  const caller = sampleService("user", {
    peers: { link: ["LINK_URL", { variable: "LINK_RPC", port: "rpc" }, { variable: "DNS_URL", port: "dns" }] },
  });
  const context = sampleContext([link, caller], {
    ingress: { className: "nginx", domain: "shop.example", namespace: "ingress-nginx" },
  });
  const manifests = serviceManifests(context, link, { image: "i" });

  test("has them all in its Service, and tells by Kubernetes' own name which speaks HTTP/2 at once", () => {
    expect(Object(manifests.service?.spec).ports).toEqual([
      { name: "rpc", port: 9090, targetPort: "rpc", protocol: "TCP", appProtocol: "kubernetes.io/h2c" },
      { name: "http", port: 8080, targetPort: "http", protocol: "TCP" },
      { name: "dns", port: 53, targetPort: "dns", protocol: "UDP" },
      { name: "dns-tcp", port: 53, targetPort: "dns-tcp", protocol: "TCP" },
    ]);
  });
  test("has them all in its container", () => {
    expect(Object(manifests.deployment?.spec).template.spec.containers[0].ports).toEqual([
      { name: "rpc", containerPort: 9090, protocol: "TCP" },
      { name: "http", containerPort: 8080, protocol: "TCP" },
      { name: "dns", containerPort: 53, protocol: "UDP" },
      { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
    ]);
  });
  test("is let through at all of them", () => {
    const rules = [
      { protocol: "TCP", port: 9090 },
      { protocol: "TCP", port: 8080 },
      { protocol: "UDP", port: 53 },
      { protocol: "TCP", port: 53 },
    ];
    expect(Object(manifests.networkPolicy.spec).ingress[0].ports).toEqual(rules);
    const ofCaller = serviceManifests(context, caller, { image: "i" }).networkPolicy.spec;
    expect(Object(ofCaller).egress[1].ports).toEqual(rules);
  });
  test("is found at its primary port, and at the port that a variable is for", () => {
    expect(serviceManifests(context, caller, { image: "i" }).configMap.data).toEqual({
      LINK_URL: "http://link:8080",
      LINK_RPC: "link:9090",
      DNS_URL: "udp://link:53",
    });
    expect(serviceAddress(context, link)).toBe("http://link.shop-dev.svc.cluster.local:8080");
  });
  test("is reached from outside at its primary port", () => {
    const exposed = sampleService("link", {
      port: 9090,
      ports: { web: { port: 9090 }, admin: { port: 1 } },
      expose: true,
    });
    const { ingress } = serviceManifests(context, exposed, { image: "i" });
    expect(Object(ingress?.spec).rules[0].http.paths[0].backend.service).toEqual({
      name: "link",
      port: { name: "web" },
    });
  });
});

test.each<[ports: Service["ports"], sysctls: object[] | undefined]>([
  [{ http: { port: 1024 } }, undefined],
  [
    { http: { port: 8080 }, dns: { port: 53, protocol: "UDP" } },
    [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
  ],
])("with %j, the pod's network lets any user listen below 1024: %j", (of, sysctls) => {
  const service = sampleService("link", { ports: of });
  const { deployment } = serviceManifests(sampleContext([]), service, { image: "i" });
  expect(Object(deployment?.spec).template.spec.securityContext.sysctls).toEqual(sysctls);
});

test("one port is short for `http`", () => {
  expect(portsOf({ port: 7070 })).toEqual([{ name: "http", port: 7070, protocol: "TCP" }]);
  expect(portsOf({})).toEqual([]);
});
