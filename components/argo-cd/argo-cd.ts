import { randomBytes } from "node:crypto";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { installedObjects } from "./installed-objects.ts";

export interface ArgoCdArgs {
  /** Where it runs. */
  namespace: string;
  /** What is installed. @default nothing: another stack's installation is used */
  objects?: readonly KubernetesObject[] | undefined;
  /** The private key of the GitHub App that reports commit statuses. */
  commitStatusKey?: pulumi.Output<string> | undefined;
  provider: Provider;
}

/** The installation of Argo CD on a cluster, from the manifests of its release. */
export class ArgoCd extends pulumi.ComponentResource {
  readonly namespace: string;

  constructor(name: string, args: ArgoCdArgs, opts?: pulumi.ComponentResourceOptions) {
    const { namespace, objects } = args;
    super("delivery:gitops:ArgoCd", name, { namespace, owned: objects !== undefined }, opts);
    this.namespace = namespace;
    if (objects !== undefined) this.install(name, objects, args);
    this.registerOutputs({ namespace });
  }

  private install(name: string, objects: readonly KubernetesObject[], args: ArgoCdArgs): void {
    const { commitStatusKey, provider } = args;
    const own = { parent: this, provider };
    const namespace = new Namespace(name, { metadata: { name: args.namespace } }, own);
    const inNamespace = { ...own, dependsOn: namespace };
    const labels = { "app.kubernetes.io/part-of": "argocd" };
    // Argo CD would make this Secret itself, and nobody would remove it. The password is random once: later runs would make
    // another, so changes of it are ignored.
    const redis = new Secret(
      "argocd-redis",
      {
        metadata: { name: "argocd-redis", namespace: args.namespace, labels },
        stringData: { auth: pulumi.secret(randomBytes(24).toString("base64url")) },
      },
      { ...inNamespace, ignoreChanges: ["stringData", "data"] },
    );
    const secrets: pulumi.Resource[] = [redis];
    if (commitStatusKey !== undefined) {
      const metadata = { name: "argocd-notifications-secret", namespace: args.namespace, labels };
      secrets.push(
        new Secret(
          "argocd-notifications-secret",
          { metadata, stringData: { "github-private-key": commitStatusKey } },
          inNamespace,
        ),
      );
    }
    installedObjects({ parent: this, name, objects, after: [namespace, ...secrets], provider });
  }
}
