import * as pulumi from "@pulumi/pulumi";
import { retry } from "../../core/retry.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError, ignoreNotFound } from "../../kubernetes/errors.ts";
import { listAt, nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { clusterClient, type ClusterAccess } from "./cluster-access.ts";
import { gatewayApi, type GatewaySettings } from "../manifests/routes.ts";
import { routeProblem } from "./route-acceptance.ts";

const release = "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.1/standard-install.yaml";
const api = `/apis/${gatewayApi.group}/${gatewayApi.version}`;

/** How long the controller of a Gateway may take for a new route: 30 seconds. */
const patience: readonly number[] = Array.from({ length: 60 }, () => 500);

export interface GatewayHooksArgs {
  readonly access: ClusterAccess;
  readonly gateway: GatewaySettings;
  /** That of the routes. */
  readonly namespace: string;
}

/**
 * What the engine calls before it writes what needs the Gateway, here or into Git. The API server, or Argo CD minutes later, would
 * say only that it knows no such kind.
 */
export function gatewayIsThere(args: GatewayHooksArgs): pulumi.ResourceHookBinding {
  const asked: { answer?: Promise<void> } = {};
  const check = async (): Promise<void> => assertGateway(await clusterClient(args.access), args);
  const hook = new pulumi.ResourceHook("gateway-is-there", () => (asked.answer ??= check()));
  return { beforeCreate: [hook], beforeUpdate: [hook] };
}

/** The same, and what the engine calls when it has written a route: it waits until the Gateway has accepted that. */
export function routeHooks(args: GatewayHooksArgs): pulumi.ResourceHookBinding {
  const accepted = new pulumi.ResourceHook("route-is-accepted", async ({ name, type }) => {
    const plural = type.endsWith("GRPCRoute") ? "grpcroutes" : "httproutes";
    await assertAccepted(await clusterClient(args.access), `${args.namespace}/${plural}/${name}`);
  });
  return { ...gatewayIsThere(args), afterCreate: [accepted], afterUpdate: [accepted] };
}

/** @throws Error where the cluster has no Gateway API, no such Gateway, or one that takes no routes of this namespace */
export async function assertGateway(client: KubernetesClient, args: Omit<GatewayHooksArgs, "access">): Promise<void> {
  const { gateway, namespace } = args;
  const resources = await client.request("GET", api).catch(ignoreNotFound);
  if (!listAt(resources ?? {}, "resources").some((resource) => stringAt(resource, "kind") === "HTTPRoute"))
    throw new Error(
      `the cluster has no Gateway API (HTTPRoute of ${gatewayApi.group}/${gatewayApi.version}): install it with \`kubectl apply --server-side -f ${release}\`, and a Gateway; or remove cluster.gateway from the stack file`,
    );
  const path = `${api}/namespaces/${gateway.namespace}/gateways/${gateway.name}`;
  const found = await client.request("GET", path).catch((error: unknown) => {
    // Who may make routes need not be allowed to read a Gateway elsewhere.
    if (error instanceof ApiError && error.status === 403) return "unknown";
    return ignoreNotFound(error);
  });
  if (found === undefined)
    throw new Error(
      `there is no Gateway ${gateway.name} in the namespace ${gateway.namespace}: correct cluster.gateway.name or .namespace in the stack file, or create it`,
    );
  if (found !== "unknown") assertListeners(found, gateway, namespace);
}

function assertListeners(found: KubernetesObject, gateway: GatewaySettings, namespace: string): void {
  const listeners = listAt(found, "spec", "listeners");
  const own = listeners.filter(({ name }) => gateway.listener === undefined || name === gateway.listener);
  const namesOf = (list: readonly KubernetesObject[]): string[] =>
    list.map((listener) => stringAt(listener, "name") ?? "");
  const what = `the Gateway ${gateway.namespace}/${gateway.name}`;
  if (own.length === 0)
    throw new Error(
      `${what} has no listener ${gateway.listener ?? ""}, but ${namesOf(listeners).join(", ") || "none at all"}: correct cluster.gateway.listener in the stack file`,
    );
  const isOpen = (listener: KubernetesObject): boolean =>
    (stringAt(listener, "allowedRoutes", "namespaces", "from") ?? "Same") !== "Same";
  if (gateway.namespace !== namespace && !own.some(isOpen))
    throw new Error(
      `${what} takes routes of its own namespace alone: give the listener ${namesOf(own).join(" or ")} allowedRoutes: { namespaces: { from: Selector, selector: { matchLabels: { kubernetes.io/metadata.name: ${namespace} } } } }`,
    );
}

/**
 * @param route its namespace, the plural of its kind, and the name that it has of its service
 * @param pauses milliseconds between looking. @default 30 seconds in all
 * @throws Error with the Gateway's reason for not accepting it until then
 */
export async function assertAccepted(
  client: KubernetesClient,
  route: string,
  pauses: readonly number[] = patience,
): Promise<void> {
  await retry(
    async () => {
      const found = await client.request("GET", `${api}/namespaces/${route}`);
      const problem = routeProblem(found);
      if (problem !== undefined) throw new Error(`${nameOf(found)} is not reachable from outside: ${problem}`);
    },
    { pauses },
  );
}
