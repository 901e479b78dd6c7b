import { listAt, mapAt, nameOf, namespaceOf, stringAt } from "../../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { builtInPath } from "../discovery.ts";
import { objectStage, ready, waiting } from "./stage.ts";
import type { Awaiter, Stage, Verdict } from "./stage.ts";

/** So long nothing may change at a Service without pods before it counts as meant so; the official provider's figure. */
const settleSeconds = 10;

export function judgeLoadBalancer(service: KubernetesObject): Verdict {
  return listAt(service, "status", "loadBalancer", "ingress").length > 0
    ? ready
    : waiting("the Service has no address of a load balancer: does the cluster provide them?");
}

/** Ready when each pod behind the Service is; one that selects no pods at all is, after a while, ready too. */
export function judgeEndpoints(slices: readonly KubernetesObject[]): Verdict {
  const endpoints = slices.flatMap((slice) => listAt(slice, "endpoints"));
  const pending = endpoints.filter(
    (endpoint) =>
      mapAt(endpoint, "conditions")["ready"] === false && mapAt(endpoint, "conditions")["terminating"] !== true,
  );
  if (pending.length > 0)
    return waiting(`${pending.length} of ${endpoints.length} pods behind the Service are not ready`);
  if (slices.length === 0)
    return waiting("the Service has no endpoints yet: does its selector match the labels of any pod?");
  return endpoints.length > 0 ? ready : { state: "settled", seconds: settleSeconds };
}

export const serviceAwaiter: Awaiter = {
  onRead: true,
  stages: (_cluster, service) => {
    const [namespace, name] = [namespaceOf(service), nameOf(service)];
    const type = stringAt(service, "spec", "type") ?? "ClusterIP";
    const address: Stage[] =
      type === "LoadBalancer" ? [objectStage(builtInPath("v1", "services", namespace), name, judgeLoadBalancer)] : [];
    const withoutPods =
      type === "ExternalName" ||
      stringAt(service, "spec", "clusterIP") === "None" ||
      Object.keys(mapAt(service, "spec", "selector")).length === 0;
    if (withoutPods) return address;
    const slices = builtInPath("discovery.k8s.io/v1", "endpointslices", namespace);
    return [...address, { path: slices, labelSelector: `kubernetes.io/service-name=${name}`, judge: judgeEndpoints }];
  },
};
