import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import type * as pulumi from "@pulumi/pulumi";
import type { FurtherClusterSettings } from "../cluster/further-clusters.ts";

export interface ClusterSecretArgs extends Pick<FurtherClusterSettings, "server" | "token" | "ca"> {
  /** The AppProject of what runs there; no other one has the cluster. */
  project: string;
  /** Where Argo CD runs. */
  argoCdNamespace: string;
  /** The environment's namespace: Argo CD looks at no other, so that its token need be good for nothing else. */
  namespace: string;
  provider: Provider;
}

/**
 * How Argo CD knows a cluster, and writes there.
 * Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters
 */
export function clusterSecret(name: string, args: ClusterSecretArgs, opts: pulumi.CustomResourceOptions): Secret {
  const { project, argoCdNamespace, namespace, server, token, ca } = args;
  const caData = ca === undefined ? {} : { caData: Buffer.from(ca).toString("base64") };
  const config = token.apply((bearerToken) =>
    JSON.stringify({ bearerToken, tlsClientConfig: { insecure: false, ...caData } }),
  );
  return new Secret(
    name,
    {
      metadata: {
        name: `${project}-cluster`,
        namespace: argoCdNamespace,
        labels: { "argocd.argoproj.io/secret-type": "cluster" },
      },
      stringData: { name: project, server, project, namespaces: namespace, clusterResources: "false", config },
    },
    { ...opts, provider: args.provider },
  );
}
