import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import { listAt, mapAt, stringAt, textOf, type KubernetesObject } from "../../../kubernetes/object.ts";

/** The environment variables that the installation gives to each part, beyond what this machine gives. */
export interface ArgoCdParameters {
  readonly controller: Readonly<Record<string, string>>;
  readonly repoServer: Readonly<Record<string, string>>;
  /** The public keys by which commits may be signed: id → armoured key. Without any, the repo server looks at no signature. */
  readonly gpgKeys: Readonly<Record<string, string>>;
}

/** Before there is an installation. */
export const noParameters: ArgoCdParameters = { controller: {}, repoServer: {}, gpgKeys: {} };

/** Reads from the cluster what the kubelet would give to the pods of Argo CD's parts, of which there are none here. */
export async function readParameters(client: KubernetesClient, namespace: string): Promise<ArgoCdParameters> {
  const object = (path: string): Promise<KubernetesObject> =>
    client.request("GET", path).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return {};
      throw error;
    });
  const [controller, repoServer, parameters, gpgKeys] = await Promise.all([
    object(`/apis/apps/v1/namespaces/${namespace}/statefulsets/argocd-application-controller`),
    object(`/apis/apps/v1/namespaces/${namespace}/deployments/argocd-repo-server`),
    object(`/api/v1/namespaces/${namespace}/configmaps/${configMap}`),
    object(`/api/v1/namespaces/${namespace}/configmaps/argocd-gpg-keys-cm`),
  ]);
  return {
    controller: variablesOf(controller, mapAt(parameters, "data")),
    repoServer: variablesOf(repoServer, mapAt(parameters, "data")),
    gpgKeys: Object.fromEntries(Object.entries(mapAt(gpgKeys, "data")).map(([id, key]) => [id, textOf(key)])),
  };
}

const configMap = "argocd-cmd-params-cm";

/** The variables that a workload takes from the ConfigMap, as far as that has them: each names an entry of it. */
export function variablesOf(workload: KubernetesObject, data: KubernetesObject): Record<string, string> {
  const variables = listAt(workload, "spec", "template", "spec", "containers").flatMap((container) =>
    listAt(container, "env"),
  );
  return Object.fromEntries(
    variables.flatMap((variable) => {
      const reference = mapAt(variable, "valueFrom", "configMapKeyRef");
      const value = reference["name"] === configMap ? stringAt(data, stringAt(reference, "key") ?? "") : undefined;
      return value === undefined ? [] : [[stringAt(variable, "name") ?? "", value]];
    }),
  );
}
