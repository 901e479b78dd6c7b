import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { Cluster, type ClusterArgs } from "../../../../components/cluster/cluster.ts";
import { hideSecrets, openEnvelope, openMockEngine, recordRegistrations } from "../../../support/mock-engine.ts";

async function declared(args: Partial<ClusterArgs> = {}) {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  const registrations = recordRegistrations();
  const registry = { server: "docker.io", username: "acme-ci", password: pulumi.secret("hunter2") };
  new Cluster(
    "shop",
    { app: "shop", environment: "dev", namespace: "shop-dev", adoptExisting: false, registry, ...args },
    {},
  );
  return { resources: await engine.resources(), registrations };
}

const provider = "delivery:cluster:Cluster$pulumi:providers:kubernetes::shop";
const namespace = "delivery:cluster:Cluster$kubernetes:core/v1:Namespace::shop";
const pullSecret = "delivery:cluster:Cluster$kubernetes:core/v1:Secret::registry-credentials";

test("it is a provider, a namespace and a pull secret", async () => {
  const { resources } = await declared();
  expect(Object.keys(resources).toSorted()).toEqual(
    [namespace, pullSecret, provider, "delivery:cluster:Cluster::shop"].toSorted(),
  );
  expect(resources["delivery:cluster:Cluster::shop"]).toEqual({ namespace: "shop-dev", environment: "dev" });
  expect(resources[namespace]).toMatchObject({ metadata: { name: "shop-dev" } });
});

test("a kubeconfig is a secret of the provider, and shows nowhere else", async () => {
  const { resources } = await declared({ kubeconfig: pulumi.secret("apiVersion: hunter3") });
  expect(openEnvelope(resources[provider]?.["kubeconfig"])).toBe("apiVersion: hunter3");
  expect(JSON.stringify(hideSecrets(resources))).not.toContain("hunter3");
});

test("without a kubeconfig, this machine's path of one does not get into the state", async () => {
  const before = process.env["KUBECONFIG"];
  process.env["KUBECONFIG"] = "/home/me/.kube/config";
  try {
    expect(JSON.stringify((await declared()).resources)).not.toContain("/home/me");
  } finally {
    if (before === undefined) delete process.env["KUBECONFIG"];
    else process.env["KUBECONFIG"] = before;
  }
});

test.each<[what: string, args: Partial<ClusterArgs>, context: string | undefined]>([
  ["the kubeconfig's own", {}, undefined],
  ["the one that the stack names", { context: "dev-cluster" }, "dev-cluster"],
])("the context is %s", async (_what, args, context) => {
  const { resources } = await declared(args);
  expect(resources[provider]?.["context"]).toBe(context);
  // The same cluster whatever its address and token: nothing may be replaced when those change.
  expect(resources[provider]?.["clusterIdentifier"]).toBe("shop-dev");
});

test.each([true, false])("objects that are there already are taken over: %s", async (adoptExisting) => {
  expect((await declared({ adoptExisting })).resources[provider]?.["upsertExistingObjects"]).toBe(
    String(adoptExisting),
  );
});

test.each([
  ["docker.io", "https://index.docker.io/v1/"],
  ["localhost:5001", "localhost:5001"],
  ["ghcr.io", "ghcr.io"],
])("the login of %s stands where container runtimes look for it", async (server, host) => {
  const { resources } = await declared({
    registry: { server, username: "acme-ci", password: pulumi.secret("hunter2") },
  });
  const secret = resources[pullSecret];
  expect(secret).toMatchObject({
    type: "kubernetes.io/dockerconfigjson",
    metadata: { name: "registry-credentials", namespace: "shop-dev" },
  });
  const data = Object(openEnvelope(secret?.["stringData"]));
  const login = { username: "acme-ci", password: "hunter2", auth: Buffer.from("acme-ci:hunter2").toString("base64") };
  expect(JSON.parse(data[".dockerconfigjson"])).toEqual({ auths: { [host]: login } });
  const visible = JSON.stringify(hideSecrets(resources));
  expect(visible).not.toContain("hunter2");
  expect(visible).not.toContain(login.auth);
});

test("the pull secret may be copied to other namespaces where the stack says so", async () => {
  expect((await declared()).resources[pullSecret]?.["metadata"]).not.toHaveProperty("annotations");
  expect((await declared({ pullSecretCopies: "shop-pr-[0-9]+" })).resources[pullSecret]).toMatchObject({
    metadata: { annotations: { "replicator.v1.mittwald.de/replicate-to": "shop-pr-[0-9]+" } },
  });
});

test("the objects are of this cluster, the secret after its namespace", async () => {
  const { registrations } = await declared();
  expect(registrations.get("kubernetes:core/v1:Namespace::shop")).toMatchObject({
    parent: "delivery:cluster:Cluster::shop",
    provider: "pulumi:providers:kubernetes::shop",
  });
  expect(registrations.get("kubernetes:core/v1:Secret::registry-credentials")).toMatchObject({
    parent: "delivery:cluster:Cluster::shop",
    provider: "pulumi:providers:kubernetes::shop",
    dependsOn: ["kubernetes:core/v1:Namespace::shop"],
  });
});
