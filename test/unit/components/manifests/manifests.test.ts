import { describe, expect, test } from "vitest";
import { serviceAddress, serviceManifests, serviceSecrets } from "../../../../components/manifests/manifests.ts";
import { type ManifestContext } from "../../../../components/manifests/manifest-context.ts";
import { metadata } from "../../../../components/manifests/metadata.ts";
import type { Service } from "../../../../components/service/service.ts";
import { environment, sampleContext, sampleService } from "../../../support/sample-shop.ts";

const image = "docker.io/acme/shop-link@sha256:0";
const ingress = { className: "nginx", domain: "shop.example", namespace: "ingress-nginx" };
const external: ManifestContext["dependencies"] = {
  db: { address: "postgres.internal:5433", password: "db-password" },
};
const deployed: ManifestContext["dependencies"] = {
  db: { image: "postgres", port: 5432, password: "db-password", env: {}, secrets: {}, scratch: [] },
};
const uses: Partial<Service> = { dependencies: { db: { address: "DB", password: "DB_PASSWORD" } } };

describe("the environment variables of a service", () => {
  const user = sampleService("user-data", { port: 7071 });
  const variables = (settings: Partial<Service>, dependencies: ManifestContext["dependencies"] = {}) => {
    const link = sampleService("link", settings);
    return serviceManifests(sampleContext([link, user], { dependencies }), link, { image }).configMap.data;
  };
  test.each<
    [
      what: string,
      settings: Partial<Service>,
      dependencies: ManifestContext["dependencies"],
      expected: Record<string, string>,
    ]
  >([
    ["none", {}, {}, {}],
    ["its own", { env: { LOG: "debug" } }, {}, { LOG: "debug" }],
    ["where a peer is", { peers: ["user-data"] }, {}, { USER_DATA_URL: "http://user-data:7071" }],
    ["where a peer is, by another name", { peers: { "user-data": "USER_ADDR" } }, {}, { USER_ADDR: "user-data:7071" }],
    [
      "where a peer is, in each form",
      {
        peers: { "user-data": ["A_URL", "B_URI", { variable: "C", form: "url" }, { variable: "D_URL", form: "host" }] },
      },
      {},
      {
        A_URL: "http://user-data:7071",
        B_URI: "http://user-data:7071",
        C: "http://user-data:7071",
        D_URL: "user-data",
      },
    ],
    ["where a dependency in the cluster is", uses, deployed, { DB: "db:5432" }],
    ["where a dependency elsewhere is", uses, external, { DB: "postgres.internal:5433" }],
    ["nothing of a dependency that the environment has not", uses, { db: "none" }, {}],
    [
      "its own before that of a peer",
      { peers: ["user-data"], env: { USER_DATA_URL: "http://mock" } },
      {},
      { USER_DATA_URL: "http://mock" },
    ],
    ["its own before that of a dependency", { ...uses, env: { DB: "localhost:1" } }, deployed, { DB: "localhost:1" }],
    ["no secret", { ...uses, secrets: { KEY: "token" } }, external, { DB: "postgres.internal:5433" }],
  ])("are %s", (_what, settings, dependencies, expected) =>
    expect(variables(settings, dependencies)).toEqual(expected),
  );
});

test.each<
  [
    what: string,
    settings: Partial<Service>,
    dependencies: ManifestContext["dependencies"],
    expected: Record<string, string>,
  ]
>([
  ["none", {}, deployed, {}],
  ["its own", { secrets: { KEY: "token" } }, {}, { KEY: "token" }],
  ["the password of a dependency elsewhere", uses, external, { DB_PASSWORD: "db-password" }],
  ["the password of a dependency in the cluster", uses, deployed, { DB_PASSWORD: "db-password" }],
  ["no password where it has a plain value itself", { ...uses, env: { DB_PASSWORD: "" } }, deployed, {}],
  ["no password of a dependency without one", uses, { db: { address: "db:1" } }, {}],
  ["no password of a dependency that the environment has not", uses, { db: "none" }, {}],
  ["no password that it does not ask for", { dependencies: { db: { address: "DB" } } }, deployed, {}],
])("the secrets of a service are %s", (_what, settings, dependencies, expected) => {
  const service = sampleService("link", settings);
  expect(serviceSecrets(sampleContext([service], { dependencies }), service)).toEqual(expected);
});

describe("autoscaling", () => {
  const scaled = (settings: Partial<Service>) =>
    serviceManifests(sampleContext([]), sampleService("link", settings), { image }).horizontalPodAutoscaler;
  test("is off by default", () => expect(scaled({ replicas: 3 })).toBeUndefined());
  test.each([
    [undefined, 80],
    [60, 60],
  ])("at %s percent of CPU scales the Deployment of the service", (cpu, averageUtilization) => {
    expect(scaled({ autoscaling: { min: 2, max: 5, ...(cpu === undefined ? {} : { cpu }) } })?.spec).toEqual({
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "link" },
      minReplicas: 2,
      maxReplicas: 5,
      metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } }],
    });
  });
});

describe("a service exposed by a Gateway", () => {
  const shared = { name: "public", namespace: "gateways", domain: "shop.example", scheme: "https" } as const;
  test.each<
    [expose: Service["expose"], gateway: ManifestContext["gateway"], address: string, from: string | undefined]
  >([
    [undefined, shared, "http://link.shop-dev.svc.cluster.local:7070", undefined],
    [false, shared, "http://link.shop-dev.svc.cluster.local:7070", undefined],
    [true, shared, "https://link.shop.example", "gateways"],
    [true, { ...shared, proxyNamespace: "envoy-gateway-system" }, "https://link.shop.example", "envoy-gateway-system"],
    [{ host: "api.example" }, { ...shared, scheme: "http" }, "http://api.example", "gateways"],
  ])("as %j by %j is at %s, and lets in %s", (expose, settings, address, from) => {
    const service = sampleService("link", expose === undefined ? {} : { expose });
    const context = sampleContext([service], { gateway: settings });
    expect(serviceAddress(context, service)).toBe(address);
    const { httpRoute: route, ingress: none, networkPolicy } = serviceManifests(context, service, { image });
    expect([route?.metadata.name, none]).toEqual([from === undefined ? undefined : "link", undefined]);
    expect(JSON.stringify(networkPolicy).includes(`"kubernetes.io/metadata.name":"${from}"`)).toBe(from !== undefined);
  });
  test("is no worker, which has no port", () => {
    const worker = sampleService("link", { port: undefined, expose: true });
    expect(serviceManifests(sampleContext([worker], { gateway: shared }), worker, { image }).httpRoute).toBeUndefined();
  });
});

describe("an exposed service", () => {
  test.each<[expose: Service["expose"], cluster: ManifestContext["ingress"], address: string, hasIngress: boolean]>([
    [undefined, ingress, "http://link.shop-dev.svc.cluster.local:7070", false],
    [false, ingress, "http://link.shop-dev.svc.cluster.local:7070", false],
    [true, undefined, "http://link.shop-dev.svc.cluster.local:7070", false],
    [true, ingress, "http://link.shop.example", true],
    [{ host: "api.example" }, ingress, "http://api.example", true],
    [true, { ...ingress, clusterIssuer: "letsencrypt" }, "https://link.shop.example", true],
  ])("as %j in a cluster with %j is at %s", (expose, cluster, address, hasIngress) => {
    const service = sampleService("link", expose === undefined ? {} : { expose });
    const context = sampleContext([service], { ingress: cluster });
    expect(serviceAddress(context, service)).toBe(address);
    const manifests = serviceManifests(context, service, { image });
    expect("ingress" in manifests).toBe(hasIngress);
    // Whom the ingress sends on, the network policy must let in; and none else.
    expect(JSON.stringify(manifests.networkPolicy.spec).includes("ingress-nginx")).toBe(hasIngress);
  });
});

test("pods pull with the pull secret and get no token of the API server", () => {
  const { serviceAccount } = serviceManifests(sampleContext([]), sampleService("link"), { image });
  expect(serviceAccount).toMatchObject({
    automountServiceAccountToken: false,
    imagePullSecrets: [{ name: "registry-credentials" }],
  });
});

test("the Service leads to the port that the container names", () => {
  expect(
    serviceManifests(sampleContext([]), sampleService("link", { port: 8081 }), { image }).service?.spec,
  ).toMatchObject({
    ports: [{ name: "http", port: 8081, targetPort: "http", protocol: "TCP" }],
  });
});

test("a worker has no Service, no address and no way in, and nothing asks at a port whether it lives", () => {
  const worker = sampleService("mailer", { port: undefined, peers: ["link"], expose: true, probes: { liveness: "/" } });
  const context = sampleContext([worker, sampleService("link"), sampleService("user", { peers: ["mailer"] })], {
    ingress: { className: "nginx", domain: "shop.example", namespace: "ingress-nginx" },
  });
  const manifests = serviceManifests(context, worker, { image });
  expect(serviceAddress(context, worker)).toBeUndefined();
  expect(Object.keys(manifests).toSorted()).toEqual([
    "configMap",
    "deployment",
    "networkPolicy",
    "podDisruptionBudget",
    "serviceAccount",
  ]);
  expect(manifests.configMap.data).toEqual({ LINK_URL: "http://link:7070" });
  expect(manifests.networkPolicy.spec).toMatchObject({ ingress: [], policyTypes: ["Ingress", "Egress"] });
  const [container] = Object(manifests.deployment?.spec).template.spec.containers;
  expect(Object.keys(container).filter((key) => /port|probe/i.test(key))).toEqual([]);
});

test("a selector label is never one that could change with the environment", () => {
  const [dev, prod] = ["dev", "prod"].map(
    (name) =>
      serviceManifests({ ...sampleContext([]), environment: { ...environment, name } }, sampleService("link"), {
        image,
      }).deployment?.spec,
  );
  expect(dev).toMatchObject({
    selector: { matchLabels: { "app.kubernetes.io/name": "link", "app.kubernetes.io/part-of": "shop" } },
  });
  expect(JSON.stringify(dev).replaceAll("shop-dev", "shop-prod")).toBe(JSON.stringify(prod));
  expect(metadata(environment, "link").labels).toMatchObject({
    "app.kubernetes.io/instance": "shop-dev",
    "app.kubernetes.io/managed-by": "delivery",
  });
});
