import type { PropertyMap } from "../property.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { isNotFound, NoSuchKindError } from "../../../kubernetes/errors.ts";
import { groupOf, isBuiltIn } from "./type-token.ts";
import {
  isCustomResourceDefinition,
  kindOf,
  listAt,
  namespaceOf,
  nameOf,
  stringAt,
} from "../../../kubernetes/object.ts";
import type { KindReference, KubernetesObject } from "../../../kubernetes/object.ts";

/** Where the objects of a kind are. */
export interface ApiResource extends KindReference {
  /** Plural, e.g. `deployments`. */
  plural: string;
  namespaced: boolean;
}

export interface Discovery {
  /** @throws NoSuchKindError where the API server does not serve the kind. */
  resource(kind: KindReference): Promise<ApiResource>;
  /** Whether objects of a kind live in a namespace, known or assumed without asking the API server. */
  assumeNamespaced(kind: KindReference): boolean;
  /** Remembers the scope of kinds that the program is about to define. */
  announce(definition: KubernetesObject): void;
  /** Forgets what the API server said of a definition's group. */
  forget(definition: KubernetesObject): void;
}

/** Built-in kinds that are not in a namespace. */
const clusterScoped = new Set(
  "Namespace Node PersistentVolume ClusterRole ClusterRoleBinding StorageClass VolumeAttachment CSIDriver CSINode VolumeAttributesClass PriorityClass RuntimeClass "
    .concat(
      "IngressClass IPAddress ServiceCIDR APIService CustomResourceDefinition MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy ",
    )
    .concat(
      "ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding CertificateSigningRequest ClusterTrustBundle FlowSchema ",
    )
    .concat(
      "PriorityLevelConfiguration DeviceClass ResourceSlice StorageVersion StorageVersionMigration TokenReview SelfSubjectReview SubjectAccessReview",
    )
    .split(" "),
);

export function createDiscovery(client: KubernetesClient): Discovery {
  const served = new Map<string, Promise<readonly ApiResource[]>>();
  const announced = new Map<string, boolean>();
  const list = (apiVersion: string): Promise<readonly ApiResource[]> => {
    const known = served.get(apiVersion);
    if (known !== undefined) return known;
    const asked = ask(client, apiVersion);
    served.set(apiVersion, asked);
    // A failure is asked again next time.
    asked.catch(() => served.delete(apiVersion));
    return asked;
  };
  return {
    async resource(kind) {
      let found = (await list(kind.apiVersion)).find((resource) => resource.kind === kind.kind);
      if (found === undefined) {
        // A kind may have come since, with its definition.
        served.delete(kind.apiVersion);
        found = (await list(kind.apiVersion)).find((resource) => resource.kind === kind.kind);
      }
      if (found === undefined) {
        throw new NoSuchKindError(
          `the API server ${client.connection.server} serves no ${kind.kind} in ${kind.apiVersion}: install its CustomResourceDefinition first (\`dependsOn\` it), or correct the apiVersion.`,
        );
      }
      return found;
    },
    assumeNamespaced(kind) {
      const known = announced.get(`${groupOf(kind.apiVersion)}/${kind.kind}`);
      return known ?? !(isBuiltIn(kind.apiVersion) && clusterScoped.has(kind.kind));
    },
    announce(definition) {
      const key = `${stringAt(definition, "spec", "group")}/${stringAt(definition, "spec", "names", "kind")}`;
      announced.set(key, stringAt(definition, "spec", "scope") !== "Cluster");
    },
    forget(definition) {
      if (!isCustomResourceDefinition(definition)) return;
      const group = stringAt(definition, "spec", "group") ?? "";
      for (const apiVersion of served.keys()) if (groupOf(apiVersion) === group) served.delete(apiVersion);
    },
  };
}

async function ask(client: KubernetesClient, apiVersion: string): Promise<readonly ApiResource[]> {
  let answer: PropertyMap;
  try {
    answer = await client.request("GET", groupPath(apiVersion));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
  return listAt(answer, "resources")
    .map((entry) => ({
      apiVersion,
      kind: stringAt(entry, "kind") ?? "",
      plural: stringAt(entry, "name") ?? "",
      namespaced: entry["namespaced"] === true,
    }))
    .filter(({ plural }) => !plural.includes("/"));
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** The path of a kind's collection in a namespace. */
export function collectionPath(resource: ApiResource, namespace: string): string {
  const scope = resource.namespaced ? `/namespaces/${encodeURIComponent(namespace || "default")}` : "";
  return `${groupPath(resource.apiVersion)}${scope}/${resource.plural}`;
}

/** The path of one object. */
export function objectPath(resource: ApiResource, object: KubernetesObject): string {
  return `${collectionPath(resource, namespaceOf(object))}/${encodeURIComponent(nameOf(object))}`;
}

/** The kind's collection path of a built-in kind, without asking the API server. */
export function builtInPath(apiVersion: string, plural: string, namespace: string): string {
  return collectionPath({ apiVersion, kind: "", plural, namespaced: true }, namespace);
}

/** The kind of an object, looked up. */
export function resourceOf(discovery: Discovery, object: KubernetesObject): Promise<ApiResource> {
  return discovery.resource(kindOf(object));
}
