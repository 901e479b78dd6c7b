import { randomBytes } from "node:crypto";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Chart } from "@pulumi/kubernetes/helm/v4/chart.js";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { argoCdValues, type ArgoCdSettings } from "./argo-cd-values.ts";

export interface ArgoCdArgs {
  /** Whether this stack owns the installation; another stack's is only used. */
  owned: boolean;
  settings: ArgoCdSettings;
  /** The private key of the GitHub App that reports commit statuses. */
  commitStatusKey?: pulumi.Output<string> | undefined;
  provider: Provider;
}

/** The installation of Argo CD on a cluster, by its official chart. */
export class ArgoCd extends pulumi.ComponentResource {
  readonly namespace: string;

  constructor(name: string, args: ArgoCdArgs, opts?: pulumi.ComponentResourceOptions) {
    const { namespace, chartVersion } = args.settings;
    super("delivery:gitops:ArgoCd", name, { namespace, chartVersion, owned: args.owned }, opts);
    this.namespace = namespace;
    if (args.owned) this.install(name, args);
    this.registerOutputs({ namespace });
  }

  private install(name: string, { settings, commitStatusKey, provider }: ArgoCdArgs): void {
    const own = { parent: this, provider };
    const namespace = new Namespace(name, { metadata: { name: settings.namespace } }, own);
    const inNamespace = { ...own, dependsOn: namespace };
    const labels = { "app.kubernetes.io/part-of": "argocd" };
    // The chart makes this Secret in a Helm hook, which Pulumi's Chart leaves out. The password is random once: later
    // runs would make another, so changes of it are ignored.
    const redis = new Secret(
      "argocd-redis",
      {
        metadata: { name: "argocd-redis", namespace: settings.namespace, labels },
        stringData: { auth: pulumi.secret(randomBytes(24).toString("base64url")) },
      },
      { ...inNamespace, ignoreChanges: ["stringData", "data"] },
    );
    const secrets: pulumi.Resource[] = [redis];
    if (commitStatusKey !== undefined) {
      const metadata = { name: "argocd-notifications-secret", namespace: settings.namespace, labels };
      secrets.push(
        new Secret(
          "argocd-notifications-secret",
          { metadata, stringData: { "github-private-key": commitStatusKey } },
          inNamespace,
        ),
      );
    }
    new Chart(
      name,
      {
        chart: "argo-cd",
        version: settings.chartVersion,
        repositoryOpts: { repo: "https://argoproj.github.io/argo-helm" },
        namespace: settings.namespace,
        values: argoCdValues(settings),
      },
      { ...own, dependsOn: secrets },
    );
  }
}
