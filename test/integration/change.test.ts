import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMonorepo, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import { deploymentOf, enterSandbox, namesOf, type SandboxHarness } from "../support/sandbox-harness.ts";

const namespace = "change-sandbox";
const kinds = [
  "v1/configmaps",
  "v1/serviceaccounts",
  "v1/services",
  "apps/v1/deployments",
  "networking.k8s.io/v1/networkpolicies",
  "policy/v1/poddisruptionbudgets",
];
const resources = [
  "ConfigMap",
  "Deployment",
  "Image",
  "NetworkPolicy",
  "PodDisruptionBudget",
  "Service",
  "ServiceAccount",
];

/** What changes when one thing does. The tests build on each other. */
describe("a change", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;

  beforeAll(async () => {
    harness = await enterSandbox();
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", "change"), ["cart", "catalog"]);
    pipeline = openPipeline({ ...harness, name: "change", directory: monorepo.directory });
    await pipeline.run("up");
  });

  afterAll(async () => {
    await pipeline.run("destroy");
    rmSync(monorepo.directory, { recursive: true });
  });

  test("of one service's source rolls out that service", async () => {
    monorepo.write("svc/cart_service/www/index.html", "This is the new cart.\n");
    const { changes } = await pipeline.run("up");
    expect(changes).toEqual(["update Deployment cart", "update Image cart"]);
  });

  test("of shared code rolls out all that use it", async () => {
    monorepo.write("pkg/terms.html", "Returns within 14 days.\n");
    const { changes } = await pipeline.run("up");
    const updates = ["Deployment", "Image"].flatMap((kind) => [`update ${kind} cart`, `update ${kind} catalog`]);
    expect(changes).toEqual(updates);
  });

  test("of documentation changes nothing", async () => {
    monorepo.write("README.md", "# The shop\n");
    monorepo.write("docs/returns.md", "How to return.\n");
    monorepo.write("svc/cart_service/README.md", "# The cart\n");
    expect((await pipeline.run("up")).changes).toEqual([]);
  });

  test("of a service's replicas changes its Deployment alone, without new pods for the old ones", async () => {
    const before = await deploymentOf(harness.kubernetes, namespace, "cart");
    const { changes } = await pipeline.run("up", { settings: { "delivery:services": { cart: { replicas: 2 } } } });
    expect(changes).toEqual(["update Deployment cart"]);
    expect(await deploymentOf(harness.kubernetes, namespace, "cart")).toMatchObject({
      replicas: 2,
      available: 2,
      uid: before.uid,
      image: before.image,
    });
  });

  test("of a service's environment changes its ConfigMap and restarts its pods", async () => {
    const { changes } = await pipeline.run("up", {
      settings: { "delivery:services": { cart: { replicas: 2, env: { CURRENCY: "EUR" } } } },
    });
    expect(changes).toEqual(["update ConfigMap cart", "update Deployment cart"]);
    expect(await harness.kubernetes.request("GET", `/api/v1/namespaces/${namespace}/configmaps/cart`)).toMatchObject({
      data: { CURRENCY: "EUR" },
    });
  });

  test("of a setting back to where it was undoes just that", async () => {
    expect((await pipeline.run("up")).changes).toEqual(["update ConfigMap cart", "update Deployment cart"]);
    expect(await deploymentOf(harness.kubernetes, namespace, "cart")).toMatchObject({ replicas: 1 });
  });

  test("of a service's name brings the new one and removes the old one", async () => {
    const untouched = await deploymentOf(harness.kubernetes, namespace, "catalog");
    monorepo.remove("svc/cart_service");
    monorepo.service("basket");
    const { changes, outputs } = await pipeline.run("up");
    expect(changes).toEqual([
      ...resources.map((kind) => `create ${kind} basket`),
      ...resources.map((kind) => `delete ${kind} cart`),
      "update ServiceImage change",
    ]);
    expect(Object.keys(Object(outputs["deployed"]?.value))).toEqual(["basket", "catalog"]);
    await expectServices("basket", "catalog");
    expect(await deploymentOf(harness.kubernetes, namespace, "catalog")).toEqual(untouched);
  });

  test("that removes a service removes its objects alone", async () => {
    const untouched = await deploymentOf(harness.kubernetes, namespace, "catalog");
    monorepo.remove("svc/basket_service");
    expect((await pipeline.run("up")).changes).toEqual([
      ...resources.map((kind) => `delete ${kind} basket`),
      "update ServiceImage change",
    ]);
    await expectServices("catalog");
    expect(await deploymentOf(harness.kubernetes, namespace, "catalog")).toEqual(untouched);
  });

  async function expectServices(...names: string[]): Promise<void> {
    const found = await Promise.all(kinds.map((kind) => namesOf(harness.kubernetes, kind, namespace)));
    // The cluster puts objects of its own into every namespace.
    const own = found.map((list) => list.filter((name) => name !== "kube-root-ca.crt" && name !== "default"));
    expect(Object.fromEntries(kinds.map((kind, index) => [kind, own[index]]))).toEqual(
      Object.fromEntries(kinds.map((kind) => [kind, names])),
    );
  }
});
