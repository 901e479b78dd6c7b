import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { isMap } from "../../../kubernetes/json.ts";
import { mapAt, stringAt, type KubernetesObject } from "../../../kubernetes/object.ts";
import type { ComponentMonitor } from "../engine-client.ts";
import { reveal, type PropertyMap } from "../property.ts";
import type { ConstructRequest } from "../resource-provider.ts";

/** A chart as a program asks for it. */
interface ChartRequest {
  chart: string;
  version: string;
  namespace: string;
  values: PropertyMap;
}

/**
 * Stands in for Helm where no chart can be downloaded: the objects that a chart would render.
 * @throws Error that names the charts it knows
 */
export type ChartRenderer = (request: ChartRequest) => Promise<PropertyMap[]>;

export const chartType = "kubernetes:helm.sh/v4:Chart";

/** Registers a `helm.sh/v4:Chart` with one child per rendered object; definitions of custom resources come first, as in the official plugin. */
export async function constructChart(
  request: ConstructRequest,
  monitor: ComponentMonitor,
  render: ChartRenderer,
  version: string,
): Promise<string> {
  const inputs = reveal(request.inputs);
  if (!isMap(inputs)) throw new Error(`${request.name}: a chart without inputs`);
  const values = inputs["values"];
  const chart: ChartRequest = {
    chart: stringAt(inputs, "chart") ?? "",
    version: stringAt(inputs, "version") ?? "",
    namespace: stringAt(inputs, "namespace") ?? "default",
    values: isMap(values) ? values : {},
  };
  const objects = await render(chart);
  const component = {
    type: request.type,
    name: request.name,
    parent: request.parent,
    custom: false,
    inputs: {},
    dependencies: [],
    provider: "",
    version,
  };
  const parent = await monitor.register(component);
  const provider = request.providers.get("kubernetes") ?? "";
  const register = (object: PropertyMap, dependencies: readonly string[]): Promise<string> => {
    const [type, name] = [typeOf(object), `${request.name}:${logicalNameOf(object)}`];
    return monitor.register({
      type,
      name,
      parent,
      custom: true,
      inputs: object,
      dependencies: [...request.dependencies, ...dependencies],
      provider,
      version,
    });
  };
  const definitions = objects.filter((object) => stringAt(object, "kind") === "CustomResourceDefinition");
  const others = objects.filter((object) => !definitions.includes(object));
  const defined = await Promise.all(definitions.map((object) => register(object, [])));
  await Promise.all(others.map((object) => register(object, defined)));
  await monitor.complete(parent);
  return parent;
}

/** `apps/v1`, `Deployment` → `kubernetes:apps/v1:Deployment`; the core group is written `core/v1`. */
function typeOf(object: PropertyMap): string {
  const apiVersion = stringAt(object, "apiVersion") ?? "";
  return `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${stringAt(object, "kind") ?? ""}`;
}

/** `namespace/name`, or `name` of what has no namespace: the logical names of the official plugin. */
function logicalNameOf(object: PropertyMap): string {
  const metadata = object["metadata"];
  const name = isMap(metadata) ? (stringAt(metadata, "name") ?? "") : "";
  const own = isMap(metadata) ? stringAt(metadata, "namespace") : undefined;
  return own === undefined ? name : `${own}/${name}`;
}

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

/** What runs in pods, or leads to them: in the sandbox the same parts are processes of this machine. */
const workloads = new Set(["Deployment", "StatefulSet", "Service", "NetworkPolicy"]);

/**
 * Argo CD's official manifests of the version that the sandbox runs: definitions, service accounts, rights and
 * configuration, without the workloads.
 *
 * @param files the tool `argocd-files`
 * @param namespace where Argo CD is to be
 */
export function officialManifests(files: string, namespace: string): KubernetesObject[] {
  const text = readFileSync(join(files, "manifests", "install.yaml"), "utf8");
  return (
    text
      .split(/^---$/m)
      .filter((document) => !workloads.has(/^kind: (\w+)$/m.exec(document)?.[1] ?? ""))
      .map((document): unknown => parse(isOfApplicationSets(document) ? withoutSchema(document) : document))
      // Kubernetes objects are JSON.
      .map((object) => placed(object as KubernetesObject, namespace))
  );
}

/** The object as it is in a namespace, if its kind has namespaces. */
function placed(object: KubernetesObject, namespace: string): KubernetesObject {
  const kind = stringAt(object, "kind") ?? "";
  if (kind === "CustomResourceDefinition" || kind === "ClusterRole") return object;
  const subjects = object["subjects"];
  const bound = Array.isArray(subjects)
    ? { subjects: subjects.map((subject) => (isMap(subject) ? { ...subject, namespace } : subject)) }
    : {};
  const metadata =
    kind === "ClusterRoleBinding" ? mapAt(object, "metadata") : { ...mapAt(object, "metadata"), namespace };
  return { ...object, ...bound, metadata };
}

function isOfApplicationSets(document: string): boolean {
  return /^ {2}name: applicationsets\.argoproj\.io$/m.test(document);
}

/** The schema of ApplicationSets takes 280 MB of the API server's memory; their controller reads them just as well without. */
function withoutSchema(definition: string): string {
  return definition.replace(
    /^ {4}schema:\n(?: {6}.*\n)+/m,
    "    schema:\n      openAPIV3Schema:\n        type: object\n        x-kubernetes-preserve-unknown-fields: true\n",
  );
}
