import { describe, expect, test } from "vitest";
import { ingress, ingressHost, type IngressSettings } from "../../../../components/manifests/ingress.ts";
import type { Service } from "../../../../components/service/service.ts";
import { environment, sampleService } from "../../../support/sample-shop.ts";

const settings: IngressSettings = { className: "nginx", domain: "dev.shop.example", namespace: "ingress-nginx" };
const gateway = (expose: NonNullable<Service["expose"]>): Service => sampleService("api-gateway", { expose });

test.each<[expose: NonNullable<Service["expose"]>, host: string, path: string]>([
  [true, "api-gateway.dev.shop.example", "/"],
  [{}, "api-gateway.dev.shop.example", "/"],
  [{ host: "api.shop.example" }, "api.shop.example", "/"],
  [{ path: "/api" }, "api-gateway.dev.shop.example", "/api"],
  [{ host: "api.shop.example", path: "/v1" }, "api.shop.example", "/v1"],
])("exposed as %j it is at %s%s, and nowhere else", (expose, host, path) => {
  expect(ingressHost(gateway(expose), settings)).toBe(host);
  expect(ingress(environment, gateway(expose), settings).spec).toEqual({
    ingressClassName: "nginx",
    rules: [
      {
        host,
        http: {
          paths: [{ path, pathType: "Prefix", backend: { service: { name: "api-gateway", port: { name: "http" } } } }],
        },
      },
    ],
  });
});

describe("TLS", () => {
  const issued = ingress(environment, gateway({ host: "api.shop.example" }), {
    ...settings,
    clusterIssuer: "letsencrypt",
  });
  test("is for the host that the rule is for, with a certificate of the service's own", () => {
    expect(issued.spec).toMatchObject({
      tls: [{ hosts: ["api.shop.example"], secretName: "api-gateway-tls" }],
      rules: [{ host: "api.shop.example" }],
    });
  });
  test("has the issuer named where cert-manager looks", () => {
    expect(issued.metadata).toMatchObject({
      name: "api-gateway",
      namespace: "shop-dev",
      annotations: { "cert-manager.io/cluster-issuer": "letsencrypt" },
    });
  });
  test("is left out without an issuer: nobody would make the certificate", () => {
    const plain = ingress(environment, gateway(true), settings);
    expect(JSON.stringify(plain)).not.toMatch(/tls|cert-manager/);
  });
});
