import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { routeProblem } from "../../components/cluster/route-acceptance.ts";
import { startGateway, stopGateway, type GatewayEndpoint } from "../../sandbox/machine/gateway/gateway.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";
import { eventually } from "../support/eventually.ts";
import { askGateway } from "../support/gateway-request.ts";
import { createMonorepo, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline, type Variation } from "../support/pipeline.ts";
import { enterSandbox, namesOf, type SandboxHarness } from "../support/sandbox-harness.ts";

const namespace = "routed-sandbox";
const domain = "shop.example";
const routes = "gateway.networking.k8s.io/v1/httproutes";

/** A service reached by a real Gateway, Traefik. The tests build on each other. */
describe("an exposed service", () => {
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;
  let tools: { traefik: string; "gateway-files": string };
  let gateway: GatewayEndpoint;

  const exposed = (more: object = {}, expose: unknown = true): Variation => ({
    settings: {
      "delivery:cluster": {
        adoptExisting: true,
        gateway: { name: "public", namespace: "gateway-system", listener: "http", domain, scheme: "http", ...more },
      },
      "delivery:services": { cart: { expose } },
    },
  });
  const openTo = async (namespaces: Readonly<Record<string, unknown>>): Promise<GatewayEndpoint> =>
    startGateway({
      stateDir: harness.stateDir,
      tools,
      kubeconfigPath: harness.sandbox.cluster.kubeconfigPath,
      namespaces,
    });

  beforeAll(async () => {
    harness = await enterSandbox();
    tools = await buildTools(["traefik", "gateway-files"], (line) => console.log(line));
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", "routed"), ["cart", "catalog"]);
    pipeline = openPipeline({ ...harness, name: "routed", directory: monorepo.directory });
  }, 1_800_000);

  afterAll(async () => {
    await stopGateway(harness.stateDir);
  });

  test("on a cluster without the Gateway API is told how to get that, and all else runs", async () => {
    const { error, changes } = await pipeline.fail("up", exposed());
    expect(error).toMatch(/the cluster has no Gateway API .*install it with `kubectl apply --server-side -f https:/);
    expect(changes).toEqual(expect.arrayContaining(["create Deployment cart", "create Deployment catalog"]));
  });

  test.each<[what: string, more: object, message: RegExp]>([
    ["of another name", { name: "other" }, /there is no Gateway other in the namespace gateway-system/],
    ["without the listener", { listener: "https" }, /has no listener https, but http/],
    ["that is not for it", {}, /takes routes of its own namespace alone: give the listener http allowedRoutes/],
  ])("with a Gateway %s is told what to correct", async (_what, more, message) => {
    gateway = await openTo({ from: "Same" });
    expect((await pipeline.fail("up", exposed(more))).error).toMatch(message);
    expect(await namesOf(harness.kubernetes, routes, namespace)).toEqual([]);
  });

  test("that the Gateway refuses is told its reason", async () => {
    gateway = await openTo({ from: "Selector", selector: { matchLabels: { "app.kubernetes.io/part-of": "other" } } });
    const { error, changes } = await pipeline.fail("up", exposed());
    expect(error).toMatch(/cart is not reachable from outside: its route is refused \(NotAllowedByListeners.*part-of/s);
    expect(changes).toContain("create HTTPRoute cart");
  });

  test("is reached at its host once the Gateway takes routes of its app", async () => {
    gateway = await openTo({ from: "Selector", selector: { matchLabels: { "app.kubernetes.io/part-of": "routed" } } });
    const { outputs } = await pipeline.run("up", exposed({ port: gateway.port }));
    expect(JSON.stringify(outputs["deployed"]?.value)).toContain(`"http://cart.${domain}:${gateway.port}"`);
    await eventually("the route is accepted", async () => (await problem()) === undefined);
    const { pods } = harness.sandbox.cluster;
    // Simulated pods have no address that anything listens at.
    await eventually("the pod answers", async () => pods !== "real" || (await page("cart")) === "This is cart.\n");
    expect((await askGateway(gateway.port, `catalog.${domain}`)).status).toBe(404);
  });

  test("stays as it is at another up, and after a refresh", async () => {
    const same = exposed({ port: gateway.port });
    expect((await pipeline.run("up", same)).changes).toEqual([]);
    expect((await pipeline.run("refresh", same)).changes).toEqual([]);
    expect((await pipeline.run("preview", same)).changes).toEqual([]);
  });

  test("moves to another host and path", async () => {
    const moved = exposed({ port: gateway.port }, { host: `basket.${domain}`, path: "/terms" });
    expect((await pipeline.run("up", moved)).changes).toEqual(["update HTTPRoute cart"]);
    await eventually(
      "the old host is gone",
      async () => (await askGateway(gateway.port, `cart.${domain}`)).status === 404,
    );
    const statuses = ["/terms", "/"].map(
      async (path) => (await askGateway(gateway.port, `basket.${domain}`, path)).status,
    );
    const [, other] = await Promise.all(statuses);
    expect(other).toBe(404);
  });

  test("is no longer reached once it is not exposed, and destroy leaves nothing", async () => {
    const hidden = exposed({ port: gateway.port }, false);
    expect((await pipeline.run("up", hidden)).changes).toEqual(["delete HTTPRoute cart", "update NetworkPolicy cart"]);
    await pipeline.run("up", exposed({ port: gateway.port }));
    await pipeline.run("destroy", exposed({ port: gateway.port }));
    await expect(harness.kubernetes.request("GET", `/api/v1/namespaces/${namespace}`)).rejects.toThrow("not found");
  });

  async function problem(): Promise<string | undefined> {
    return routeProblem(
      await harness.kubernetes.request(
        "GET",
        `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/cart`,
      ),
    );
  }

  async function page(service: string): Promise<string> {
    return (await askGateway(gateway.port, `${service}.${domain}`)).body;
  }
});
