import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readWorkloads } from "../../../cli/status/cluster-status.ts";
import { startGateway, stopGateway, type GatewayEndpoint } from "../../../sandbox/machine/gateway/gateway.ts";
import { buildTools } from "../../../sandbox/machine/tools/go-tools.ts";
import { eventually } from "../../support/eventually.ts";
import { askGateway } from "../../support/gateway-request.ts";
import { applicationOf, isHealthy } from "../support/application-state.ts";
import { openEnvironment, type Environment } from "../support/environment.ts";
import { enterGitOps } from "../support/enter-gitops.ts";
import type { GitOpsHarness } from "../support/gitops-harness.ts";

/** A service reached by a real Gateway, with its route from Git. The tests build on each other. */
describe("gitops with a Gateway", () => {
  let harness: GitOpsHarness;
  let shop: Environment;
  let tools: { traefik: string; "gateway-files": string };
  let gateway: GatewayEndpoint;

  const openTo = (app: string): Promise<GatewayEndpoint> =>
    startGateway({
      stateDir: harness.stateDir,
      tools,
      kubeconfigPath: harness.sandbox.cluster.kubeconfigPath,
      namespaces: { from: "Selector", selector: { matchLabels: { "app.kubernetes.io/part-of": app } } },
    });

  beforeAll(async () => {
    harness = await enterGitOps();
    tools = await buildTools(["traefik", "gateway-files"], (line) => console.log(line));
    gateway = await openTo("shop");
    const shared = { name: gateway.name, namespace: gateway.namespace, domain: "shop.example", scheme: "http" };
    shop = openEnvironment(harness, {
      name: "routed",
      services: ["cart"],
      settings: {
        cluster: { adoptExisting: true, gateway: { ...shared, port: gateway.port } },
        services: { cart: { expose: true } },
      },
    });
  }, 1_800_000);

  afterAll(async () => {
    await shop.run("destroy");
    await stopGateway(harness.stateDir);
  });

  test("Argo CD applies the route, and the pod is reached at its host", async () => {
    await shop.run("up");
    expect(await applicationOf(harness.kubernetes, shop.applicationName("cart"))).toMatchObject({
      sync: "Synced",
      health: "Healthy",
    });
    const { pods } = harness.sandbox.cluster;
    await eventually("the pod answers", async () => pods !== "real" || (await page()) === "This is cart.\n");
    expect((await shop.run("up")).changes).toEqual([]);
  });

  test("a Gateway that does not take the route any more makes it Degraded, and the status says why", async () => {
    await openTo("other");
    await eventually("the Application is Degraded", async () => {
      const { health } = await applicationOf(harness.kubernetes, shop.applicationName("cart"));
      return health === "Degraded";
    });
    const location = { app: "shop", environment: "routed", namespace: shop.namespace, argoCdNamespace: "argocd" };
    const [status] = await readWorkloads(harness.kubernetes, location, AbortSignal.timeout(10_000));
    expect(status?.message).toMatch(/^not reachable from outside: its route is refused \(NotAllowedByListeners/);
    await openTo("shop");
    await eventually("the Application is Healthy again", async () =>
      isHealthy(await applicationOf(harness.kubernetes, shop.applicationName("cart"))),
    );
  });

  async function page(): Promise<string> {
    return (await askGateway(gateway.port, "cart.shop.example")).body;
  }
});
