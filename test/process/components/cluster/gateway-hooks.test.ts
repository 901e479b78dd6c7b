import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clusterClient } from "../../../../components/cluster/cluster-access.ts";
import { assertAccepted, assertGateway } from "../../../../components/cluster/gateway-hooks.ts";
import type { GatewaySettings } from "../../../../components/manifests/routes.ts";
import { temporaryDirectory } from "../../../../core/atomic-file.ts";
import type { KubernetesClient } from "../../../../kubernetes/client.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";
import { openMockEngine } from "../../../support/mock-engine.ts";

let cluster: KubernetesStandIn;
let folder: ReturnType<typeof temporaryDirectory>;
let client: KubernetesClient;
/** Path → what is there. */
const objects = new Map<string, JsonMap>();

const api = "/apis/gateway.networking.k8s.io/v1";
const path = `${api}/namespaces/gateways/gateways/public`;
const settings: GatewaySettings = { name: "public", namespace: "gateways", domain: "shop.example", scheme: "https" };
const listener = (name: string, from?: string): JsonMap => ({
  name,
  ...(from === undefined ? {} : { allowedRoutes: { namespaces: { from } } }),
});

beforeEach(async () => {
  cluster = await KubernetesStandIn.start();
  folder = temporaryDirectory("gateway-test-");
  const kubeconfig = join(folder.path, "kubeconfig");
  cluster.writeKubeconfig(kubeconfig);
  vi.stubEnv("KUBECONFIG", kubeconfig);
  await openMockEngine("dev", { values: {}, secretKeys: [] });
  client = await clusterClient({});
  objects.clear();
  cluster.answer = (asked) => objects.get(asked);
  objects.set(api, { resources: [{ kind: "Gateway" }, { kind: "HTTPRoute" }] });
  objects.set(path, { spec: { listeners: [listener("http"), listener("https", "Selector")] } });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await cluster[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const check = (rest: Partial<GatewaySettings> = {}, namespace = "shop-dev"): Promise<void> =>
  assertGateway(client, { gateway: { ...settings, ...rest }, namespace });

describe("before a route is written", () => {
  test.each<[what: string, change: () => void, rest: Partial<GatewaySettings>]>([
    ["a listener that takes it", () => undefined, {}],
    ["the listener that is named", () => undefined, { listener: "https" }],
    ["a Gateway that one may not read", () => cluster.refused.add(path), {}],
  ])("there is %s", async (_what, change, rest) => {
    change();
    await expect(check(rest)).resolves.toBeUndefined();
  });

  test("a Gateway takes what is in its own namespace by default", async () => {
    objects.set(path.replaceAll("/gateways/gateways/", "/shop-dev/gateways/"), {
      spec: { listeners: [listener("http")] },
    });
    await expect(check({ namespace: "shop-dev" })).resolves.toBeUndefined();
  });

  test.each<[what: string, change: () => void, rest: Partial<GatewaySettings>, message: RegExp]>([
    [
      "a cluster without the Gateway API",
      () => objects.delete(api),
      {},
      /^the cluster has no Gateway API .*: install it with `kubectl apply --server-side -f https:.*standard-install.yaml`, and a Gateway; or remove cluster.gateway/,
    ],
    [
      "one that serves no HTTPRoute",
      () => objects.set(api, { resources: [{ kind: "Gateway" }] }),
      {},
      /no Gateway API \(HTTPRoute of gateway.networking.k8s.io\/v1\)/,
    ],
    [
      "no such Gateway",
      () => objects.delete(path),
      {},
      /^there is no Gateway public in the namespace gateways: correct cluster.gateway.name/,
    ],
    [
      "no such listener",
      () => undefined,
      { listener: "tls" },
      /^the Gateway gateways\/public has no listener tls, but http, https: correct cluster.gateway.listener/,
    ],
    [
      "a listener for its own namespace alone",
      () => undefined,
      { listener: "http" },
      /takes routes of its own namespace alone: give the listener http allowedRoutes: .*metadata.name: shop-dev/,
    ],
  ])("%s is told", async (_what, change, rest, message) => {
    change();
    await expect(check(rest)).rejects.toThrow(message);
  });
});

describe("after a route is written", () => {
  const route = `${api}/namespaces/shop-dev/httproutes/link`;
  const withCondition = (condition: JsonMap): JsonMap => ({
    metadata: { name: "link", generation: 1 },
    status: { parents: [{ conditions: [{ type: "Accepted", ...condition }] }] },
  });

  test("it is waited for until the Gateway has accepted it", async () => {
    objects.set(route, { metadata: { name: "link", generation: 1 } });
    const waiting = assertAccepted(client, "shop-dev/httproutes/link");
    await vi.waitFor(() => expect(cluster.asked).toContain(route), { timeout: 30_000 });
    objects.set(route, withCondition({ status: "True" }));
    await expect(waiting).resolves.toBeUndefined();
  });

  test("what the Gateway says of one that it refuses is told", async () => {
    objects.set(route, withCondition({ status: "False", reason: "NoMatchingListenerHostname" }));
    await expect(assertAccepted(client, "shop-dev/httproutes/link", [1, 1])).rejects.toThrow(
      /^link is not reachable from outside: its route is refused \(NoMatchingListenerHostname\); no listener of the Gateway takes its host/,
    );
  });
});
