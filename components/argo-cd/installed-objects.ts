import type { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { kindOf, nameOf, namespaceOf, typeToken, type KubernetesObject } from "../../kubernetes/object.ts";

interface InstalledObjectsArgs {
  /** The component that they are parts of. */
  parent: pulumi.ComponentResource;
  /** The name of the installation, with which all logical names begin. */
  name: string;
  objects: readonly KubernetesObject[];
  /** What comes before all that is in a namespace: the namespace, and Secrets. */
  after: readonly pulumi.Resource[];
  provider: Provider;
}

/** An object of any kind: which ones a release has is known when it is read. */
class InstalledObject extends pulumi.CustomResource {}

/** The kinds that start pods. */
const workloadKinds = new Set(["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"]);
/** A Service is ready only when its pods are, so these wait for no Service. */
const networkKinds = new Set(["Service", "NetworkPolicy"]);

/**
 * Declares the objects of an installation one by one, definitions first and workloads last, so that a destroy removes the
 * workloads before their rights, and the definitions at the end.
 *
 * Earlier versions of this program had the official Helm chart declare them. They keep the names that the chart gave them,
 * and the chart's URN as an alias of their parent's: what is installed already is updated in place.
 */
export function installedObjects(args: InstalledObjectsArgs): pulumi.Resource[] {
  const { parent, name, objects, after, provider } = args;
  const chart = pulumi.createUrn(name, "kubernetes:helm.sh/v4:Chart", parent.urn);
  const declare = (object: KubernetesObject, dependsOn: readonly pulumi.Resource[]): pulumi.Resource =>
    new InstalledObject(typeToken(object), logicalName(name, object), inputsOf(object), {
      parent,
      provider,
      dependsOn: [...dependsOn],
      aliases: [{ parent: chart }],
    });
  const of = (belongs: (kind: string) => boolean): KubernetesObject[] =>
    objects.filter((object) => belongs(kindOf(object).kind));
  const isDefinition = (kind: string): boolean => kind === "CustomResourceDefinition";
  const definitions = of(isDefinition).map((object) => declare(object, []));
  const others = of((kind) => !isDefinition(kind) && !workloadKinds.has(kind) && !networkKinds.has(kind)).map(
    (object) => declare(object, after),
  );
  const network = of((kind) => networkKinds.has(kind)).map((object) => declare(object, after));
  const workloads = of((kind) => workloadKinds.has(kind)).map((object) =>
    declare(object, [...after, ...definitions, ...others]),
  );
  return [...definitions, ...others, ...network, ...workloads];
}

/** `argocd:argocd/argocd-server`, or without the namespace for what has none. */
function logicalName(installation: string, object: KubernetesObject): string {
  const namespace = namespaceOf(object);
  return `${installation}:${namespace === "" ? "" : `${namespace}/`}${nameOf(object)}`;
}

/** The content of a Secret is one, also where the release comes with it. */
function inputsOf(object: KubernetesObject): pulumi.Inputs {
  if (kindOf(object).kind !== "Secret") return object;
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key,
      key === "data" || key === "stringData" ? pulumi.secret(value) : value,
    ]),
  );
}
