import { isMap } from "../providers/property.ts";
import type { PropertyMap } from "../providers/property.ts";
import type { ChartRenderer } from "../providers/kubernetes/chart.ts";
import { mapAt, stringAt, type KubernetesObject } from "../providers/kubernetes/object.ts";
import { officialManifests } from "./official-manifests.ts";

/**
 * Stands in for the official chart `argo-cd`, which no package registry has: the official manifests of the version that
 * the sandbox runs, with the chart's values for the configuration maps. The workloads are processes of this machine, so
 * values that concern pods have no effect.
 *
 * @param files the folder of Argo CD's own files, from {@link buildTools}
 */
export function argoCdChart(files: string): ChartRenderer {
  return ({ chart, namespace, values }) => {
    if (chart !== "argo-cd") {
      return Promise.reject(new Error(`the sandbox cannot download the chart ${JSON.stringify(chart)}; it has a stand-in for argo-cd alone. Install the official kubernetes plugin to use others.`));
    }
    return Promise.resolve(officialManifests(files, namespace).map((object) => configured(object, values)));
  };
}

/** Which of the chart's values become the data of which configuration map. */
const configuration: Readonly<Record<string, readonly string[]>> = {
  "argocd-cm": ["configs", "cm"],
  "argocd-rbac-cm": ["configs", "rbac"],
  "argocd-cmd-params-cm": ["configs", "params"],
};

function configured(object: KubernetesObject, values: PropertyMap): KubernetesObject {
  const path = configuration[stringAt(object, "metadata", "name") ?? ""];
  if (stringAt(object, "kind") !== "ConfigMap" || path === undefined) return object;
  const added = mapAt(values, ...path);
  if (!isMap(added) || Object.keys(added).length === 0) return object;
  return { ...object, data: { ...mapAt(object, "data"), ...added } };
}
