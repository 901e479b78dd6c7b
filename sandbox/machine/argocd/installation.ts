import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { errorMessage } from "../../../core/error.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import { listAt, stringAt } from "../../../kubernetes/object.ts";
import { liveClient } from "../kubernetes-client.ts";
import { writePrivate } from "../private-file.ts";
import { readParameters, type ArgoCdParameters } from "./parameters.ts";

/** The controllers' service accounts, as the release names them. */
const serviceAccounts = {
  applications: "argocd-application-controller",
  applicationSets: "argocd-applicationset-controller",
} as const;
const tokenSeconds = 365 * 24 * 3600;

/** What the stack has put on the cluster for Argo CD: either enough for the controller to run, or why not. */
export type Installation =
  /** `applicationSets`: for their controller, if there are any. */
  | {
      kubeconfigPath: string;
      client: KubernetesClient;
      parameters: ArgoCdParameters;
      applicationSets?: { kubeconfigPath: string };
    }
  /** `gone`: the cluster says that it is not there; otherwise the cluster could not be asked. */
  | { missing: string; gone?: boolean };

export interface InstallationOptions {
  /** Of the administrator. The file need not exist yet. */
  kubeconfigPath: string;
  namespace: string;
  /** For the kubeconfig of the controller. */
  folder: string;
}

/**
 * Finds out whether enough of Argo CD is installed for its controllers to run without errors. As in a pod, a controller acts
 * as its service account, with the rights that the installation gives it.
 */
export function installationOn({
  kubeconfigPath,
  namespace,
  folder,
}: InstallationOptions): () => Promise<Installation> {
  const admin = liveClient(kubeconfigPath);
  let controller: { path: string; client: () => KubernetesClient | undefined } | undefined;
  const kubeconfigFor = async (asAdmin: KubernetesClient, name: string): Promise<string> => {
    const account = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`;
    const uid = stringAt(await asAdmin.request("GET", account), "metadata", "uid") ?? "";
    // An account that is deleted and created again has other tokens: another file makes the controller restart with them.
    const path = join(folder, `${name}-${uid.slice(0, 8)}.kubeconfig`);
    if (!existsSync(path)) {
      const answer = await asAdmin.request("POST", `${account}/token`, {
        body: { spec: { expirationSeconds: tokenSeconds } },
      });
      writePrivate(path, withToken(readFileSync(kubeconfigPath, "utf8"), stringAt(answer, "status", "token") ?? ""));
    }
    return path;
  };
  const find = async (): Promise<Installation> => {
    const asAdmin = admin();
    if (asAdmin === undefined) return { missing: "there is no cluster yet" };
    const path = await kubeconfigFor(asAdmin, serviceAccounts.applications);
    if (controller?.path !== path) controller = { path, client: liveClient(path) };
    const client = controller.client() ?? asAdmin;
    await checkObjects(client, namespace);
    const parameters = await readParameters(asAdmin, namespace);
    if (!(await hasApplicationSets(asAdmin, namespace))) return { kubeconfigPath: path, client, parameters };
    const applicationSets = { kubeconfigPath: await kubeconfigFor(asAdmin, serviceAccounts.applicationSets) };
    return { kubeconfigPath: path, client, parameters, applicationSets };
  };
  return async () => {
    try {
      return await find();
    } catch (error) {
      if (error instanceof ApiError) return { missing: error.message, gone: error.status === 404 };
      // The cluster does not answer, or its kubeconfig is being replaced.
      return { missing: errorMessage(error) };
    }
  };
}

/** @throws ApiError for what is missing, or not permitted */
async function checkObjects(client: KubernetesClient, namespace: string): Promise<void> {
  const own = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}`;
  // A definition that is established may not be served yet, and rights take effect a moment after their binding.
  for (const list of [`${own}/applications`, `${own}/appprojects`, "/api/v1/namespaces", "/api/v1/secrets"]) {
    await client.request("GET", list, { query: { limit: "1" } });
  }
  for (const object of ["configmaps/argocd-cm", "secrets/argocd-secret"]) {
    await client.request("GET", `/api/v1/namespaces/${namespace}/${object}`);
  }
}

async function hasApplicationSets(client: KubernetesClient, namespace: string): Promise<boolean> {
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applicationsets`;
  return listAt(await client.request("GET", path, { query: { limit: "1" } }), "items").length > 0;
}

/** The same cluster, as the bearer of a token. */
export function withToken(kubeconfig: string, token: string): string {
  // The sandbox's own file: one cluster, one context, one user.
  const content = parse(kubeconfig) as { users: { name: string; user: object }[] };
  return `${JSON.stringify({ ...content, users: content.users.map(({ name }) => ({ name, user: { token } })) }, null, 2)}\n`;
}
