import { isMap } from "../../kubernetes/json.ts";
import { mapAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import type { ChartRenderer } from "../providers/kubernetes/chart.ts";
import type { PropertyMap } from "../providers/property.ts";
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
    if (chart === "argocd-image-updater") return Promise.resolve([imageUpdaterDefinition]);
    if (chart !== "argo-cd") {
      return Promise.reject(
        new Error(
          `the sandbox cannot download the chart ${JSON.stringify(chart)}; it has stand-ins for argo-cd and argocd-image-updater alone. Install the official kubernetes plugin to use others.`,
        ),
      );
    }
    return Promise.resolve(officialManifests(files, namespace).map((object) => configured(object, values)));
  };
}

/**
 * Stands in for the chart `argocd-image-updater`: its definition, without the schema. The updater itself cannot be built
 * from the package registries; `delivery watch` does its work here.
 */
const imageUpdaterDefinition: KubernetesObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "imageupdaters.argocd-image-updater.argoproj.io" },
  spec: {
    group: "argocd-image-updater.argoproj.io",
    names: { kind: "ImageUpdater", listKind: "ImageUpdaterList", plural: "imageupdaters", singular: "imageupdater" },
    scope: "Namespaced",
    versions: [
      {
        name: "v1alpha1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

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
