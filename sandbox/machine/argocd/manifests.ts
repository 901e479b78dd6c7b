import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../../core/atomic-file.ts";
import { parseManifests } from "../../../kubernetes/manifests.ts";
import { isMap, type JsonValue } from "../../../kubernetes/json.ts";
import {
  isCustomResourceDefinition,
  kindOf,
  listAt,
  mapAt,
  withValue,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";

/** The manifests that the sandbox's stack installs, as `gitops.argoCd.manifests` and `gitops.imageUpdater.manifests` name them. */
export interface SandboxManifests {
  readonly argoCd: string;
  readonly imageUpdater: string;
}

/**
 * Writes the manifests of the release of Argo CD that the sandbox runs: the release's own objects, all of them, but for the
 * pods, whose work processes of this machine do, and for what only explains.
 * @param files Argo CD's own files, from {@link buildTools}
 * @param stateDir the sandbox's state directory
 */
export function writeSandboxManifests(files: string, stateDir: string): SandboxManifests {
  const directory = join(stateDir, "manifests");
  const text = readFileSync(join(files, "manifests", "install.yaml"), "utf8");
  const parsed = parseManifests(withoutApplicationSetSchema(text));
  if ("problem" in parsed) throw new Error(`${files}: manifests/install.yaml ${parsed.problem}`);
  return {
    argoCd: writeList(join(directory, "argo-cd.json"), parsed.objects.map(withoutPods).map(withoutDescriptions)),
    imageUpdater: writeList(join(directory, "image-updater.json"), [imageUpdaterDefinition]),
  };
}

/** JSON, which the program reads in a fraction of the time. */
function writeList(path: string, items: readonly KubernetesObject[]): string {
  writeFileAtomically(path, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  return path;
}

/** What explains the fields to people is two thirds of all: each update of the stack writes and compares it, and the API server serves it. */
function withoutDescriptions(object: KubernetesObject): KubernetesObject {
  if (!isCustomResourceDefinition(object)) return object;
  const versions = listAt(object, "spec", "versions").map((version) => {
    const schema = mapAt(version, "schema", "openAPIV3Schema");
    return withValue(version, ["schema", "openAPIV3Schema"], undescribed(schema));
  });
  return withValue(object, ["spec", "versions"], versions);
}

/** A property that is called `description` is a schema, and stays. */
function undescribed(schema: JsonValue): JsonValue {
  if (Array.isArray(schema)) return schema.map(undescribed);
  if (!isMap(schema)) return schema;
  const kept = Object.entries(schema).filter(([key, value]) => key !== "description" || typeof value !== "string");
  return Object.fromEntries(
    kept.map(([key, value]) => [key, key === "default" || key === "enum" ? value : undescribed(value)]),
  );
}

/** A stand-in for a part that runs outside of the cluster: workloads have no pods, and Services are not waited for. */
function withoutPods(object: KubernetesObject): KubernetesObject {
  const { kind } = kindOf(object);
  if (kind !== "Deployment" && kind !== "StatefulSet" && kind !== "Service") return object;
  const noted = withValue(object, ["metadata", "annotations", "sandbox.delivery/stand-in"], standIn);
  const unwaited = withValue(noted, ["metadata", "annotations", "pulumi.com/skipAwait"], "true");
  return kind === "Service" ? unwaited : withValue(unwaited, ["spec", "replicas"], 0);
}

const standIn = "no pods: processes of the sandbox's machine do this work";

/** The schema of ApplicationSets takes 280 MB of the API server's memory; their controller reads them just as well without. */
function withoutApplicationSetSchema(manifests: string): string {
  return manifests
    .split(/^---$/m)
    .map((document) =>
      /^ {2}name: applicationsets\.argoproj\.io$/m.test(document)
        ? document.replace(
            /^ {4}schema:\n(?: {6}.*\n)+/m,
            "    schema:\n      openAPIV3Schema:\n        type: object\n        x-kubernetes-preserve-unknown-fields: true\n",
          )
        : document,
    )
    .join("---");
}

/**
 * Stands in for the manifests of Image Updater: its definition, without the schema. The updater itself cannot be built from
 * the package registries; `delivery watch` does its work here.
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
