import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { isNotFound, NoSuchKindError } from "../../../kubernetes/errors.ts";
import {
  isCustomResourceDefinition,
  kindOf,
  listAt,
  nameOf,
  namespaceOf,
  stringAt,
  type KindReference,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import { definedKind, groupOf, isBuiltIn, isClusterScoped } from "../../../kubernetes/scope.ts";
import type { PropertyMap } from "../property.ts";

/** Where the objects of a kind are. */
interface ApiResource extends KindReference {
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

export function createDiscovery(client: KubernetesClient): Discovery {
  const served = new Map<string, Promise<readonly ApiResource[]>>();
  const announced = new Map<string, boolean>();
  const list = (apiVersion: string): Promise<readonly ApiResource[]> => {
    const known = served.get(apiVersion);
    if (known !== undefined) return known;
    const asked = ask(client, apiVersion);
    served.set(apiVersion, asked);
    // After a failure, the next call asks again.
    asked.catch(() => served.delete(apiVersion));
    return asked;
  };
  return {
    async resource(kind) {
      let found = (await list(kind.apiVersion)).find((resource) => resource.kind === kind.kind);
      if (found === undefined) {
        // The kind may have been defined since.
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
      return known ?? !isClusterScoped(kind);
    },
    announce(definition) {
      announced.set(definedKind(definition), stringAt(definition, "spec", "scope") !== "Cluster");
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

const install =
  "Install the official plugin (`pulumi plugin install resource kubernetes`), which the sandbox then uses instead";

/**
 * The apiVersion and kind that a type token such as `kubernetes:apps/v1:Deployment` stands for.
 *
 * @throws Error naming the type, and what to use instead, for types that the offline provider does not have.
 */
export function kindOfToken(token: string): KindReference {
  const parts = token.split(":");
  const [, module = "", kind = ""] = parts;
  const slash = module.indexOf("/");
  const group = slash < 0 ? module : module.slice(0, slash);
  if (group === "yaml" || group === "kustomize" || group === "helm.sh") {
    throw new Error(
      `the offline kubernetes provider has no ${token}: declare its objects one by one, or as CustomResource. ${install}.`,
    );
  }
  if (parts.length !== 3 || slash < 0 || kind === "") {
    throw new Error(
      `the offline kubernetes provider cannot read the type ${token}: expected kubernetes:<group>/<version>:<Kind>.`,
    );
  }
  const version = module.slice(slash + 1);
  const apiVersion = group === "core" || group === "" ? version : `${group}/${version}`;
  if (isBuiltIn(apiVersion) && kind.endsWith("Patch")) {
    throw new Error(
      `the offline kubernetes provider has no ${token}: own the whole object with ${kind.slice(0, -"Patch".length)} instead. ${install}.`,
    );
  }
  if (isBuiltIn(apiVersion) && kind.endsWith("List")) {
    throw new Error(
      `${token} cannot be created: list types exist only for YAML manifests and charts. Declare each object with ${kind.slice(0, -"List".length)}.`,
    );
  }
  return { apiVersion, kind };
}
