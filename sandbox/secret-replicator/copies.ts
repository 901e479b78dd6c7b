import { annotationOf, mapAt, nameOf, namespaceOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";

const wanted = "replicator.v1.mittwald.de/replicate-to";
const version = "replicator.v1.mittwald.de/replicated-from-version";

/** The Secrets that are to be made or brought up to date in other namespaces, as the annotations of their originals ask for. */
export function missingCopies(
  secrets: readonly KubernetesObject[],
  namespaces: readonly KubernetesObject[],
): KubernetesObject[] {
  const places = namespaces.filter((namespace) => stringAt(namespace, "metadata", "deletionTimestamp") === undefined);
  return secrets.flatMap((secret) => {
    const patterns = (annotationOf(secret, wanted) ?? "").split(",").filter((pattern) => pattern.trim() !== "");
    if (patterns.length === 0) return [];
    const matches = new RegExp(`^(${patterns.map((pattern) => pattern.trim()).join("|")})$`);
    return places
      .map(nameOf)
      .filter((place) => place !== namespaceOf(secret) && matches.test(place))
      .map((place) => copyOf(secret, place))
      .filter((copy) => !secrets.some((other) => isSame(other, copy)));
  });
}

function copyOf(secret: KubernetesObject, namespace: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: nameOf(secret),
      namespace,
      annotations: { [version]: stringAt(secret, "metadata", "resourceVersion") ?? "" },
    },
    type: stringAt(secret, "type") ?? "Opaque",
    data: mapAt(secret, "data"),
  };
}

function isSame(one: KubernetesObject, other: KubernetesObject): boolean {
  return (
    nameOf(one) === nameOf(other) &&
    namespaceOf(one) === namespaceOf(other) &&
    annotationOf(one, version) === annotationOf(other, version)
  );
}
