import { describe, expect, test } from "vitest";
import {
  contextName,
  imageRepository,
  maxNameLength,
  nameProblem,
  namespaceName,
  peerVariable,
  secretName,
  serviceName,
} from "../../../core/names.ts";

describe("serviceName", () => {
  test.each([
    ["link_service", "link"],
    ["link-service", "link"],
    ["social_graph_service", "social-graph"],
    ["api_gateway", "api-gateway"],
    ["service", "service"],
    ["service_registry", "service-registry"],
    ["microservice", "microservice"],
    ["link_service_v2", "link-service-v2"],
  ])("%s is the service %s", (directory, name) => expect(serviceName(directory)).toBe(name));
});

describe("nameProblem", () => {
  const longest = "a".repeat(maxNameLength);
  test.each(["a", "link", "social-graph", "v2", "a1-2b", longest])("takes %s", (name) =>
    expect(nameProblem(name)).toBeUndefined(),
  );
  test.each(["", "-link", "link-", "2fast", "Link", "link_db", "link.db", "ünï", "link "])("refuses %j", (name) =>
    expect(nameProblem(name)).toMatch(/^is not a Kubernetes name/),
  );
  test("refuses what is one character too long, and says how long it is", () => {
    expect(nameProblem(`${longest}a`)).toBe("has 64 characters; Kubernetes takes at most 63");
  });
});

describe("names made of others", () => {
  test("the image repository has registry, organization, app and service", () => {
    expect(imageRepository({ registry: "localhost:5001", organization: "acme" }, "shop", "social-graph")).toBe(
      "localhost:5001/acme/shop-social-graph",
    );
  });
  test.each([
    ["link", "LINK_URL"],
    ["social-graph", "SOCIAL_GRAPH_URL"],
    ["a-b-c", "A_B_C_URL"],
  ])("the peer %s is found in the variable %s", (peer, variable) => expect(peerVariable(peer)).toBe(variable));
  test("two environments share neither context nor namespace", () => {
    const [dev, prod] = ["dev", "prod"].map((environment) => [
      contextName("shop", environment),
      namespaceName("shop", environment),
    ]);
    expect(dev).toEqual(["shop-dev", "shop-dev"]);
    expect(prod).toEqual(["shop-prod", "shop-prod"]);
  });
  test("the longest app and environment that a stack file may have make a namespace that Kubernetes takes", () => {
    expect(nameProblem(namespaceName("a".repeat(32), "e".repeat(22)))).toBeUndefined();
  });
  test("the Secret of the longest service is a name that Kubernetes takes (a DNS subdomain)", () => {
    expect(secretName("a".repeat(maxNameLength))).toMatch(/^[a-z][-a-z0-9]{0,251}[a-z0-9]$/);
  });
});
