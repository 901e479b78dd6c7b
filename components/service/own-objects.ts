import * as pulumi from "@pulumi/pulumi";
import { kindOf, nameOf, typeToken, withValue, type KubernetesObject } from "../../kubernetes/object.ts";

/** An object that a service brings along, and the file that it is in. */
export interface OwnObject {
  readonly file: string;
  readonly object: KubernetesObject;
}

/** An object of any kind: which ones a service brings along is known when its files are read. */
class DeclaredObject extends pulumi.CustomResource {}

/** What pods refer to: they do not start before it is there. */
const neededByPods = new Set(["ConfigMap", "PersistentVolumeClaim", "ServiceAccount", "Role", "RoleBinding"]);

/**
 * Declares the objects that a service brings along, each by its own name beside the service's.
 * @returns those that its pods need
 */
export function ownObjects(
  service: string,
  objects: readonly KubernetesObject[],
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const declared = objects.map((object) => {
    const inputs = kindOf(object).kind === "PersistentVolumeClaim" ? withoutWaiting(object) : object;
    return { object, resource: new DeclaredObject(typeToken(object), `${service}:${nameOf(object)}`, inputs, opts) };
  });
  return declared.flatMap(({ object, resource }) => (neededByPods.has(kindOf(object).kind) ? [resource] : []));
}

/** Many storage classes bind a claim only when a pod uses it: waiting for that would never end. */
function withoutWaiting(object: KubernetesObject): KubernetesObject {
  return withValue(object, ["metadata", "annotations", "pulumi.com/skipAwait"], "true");
}
