import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { isMap } from "../../kubernetes/json.ts";
import { mapAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";

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
