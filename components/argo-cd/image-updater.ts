import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { installedObjects } from "./installed-objects.ts";
import type { Registry } from "../secrets.ts";

export interface ImageUpdaterArgs {
  /** The environment's project, e.g. `delinkcious-dev`. */
  project: string;
  argoCdNamespace: string;
  /** What is installed. @default nothing: another stack's installation is only configured */
  objects?: readonly KubernetesObject[] | undefined;
  deploy: { repository: string; branch: string; username: string; token: pulumi.Output<string> };
  registry: Registry;
  /** The tag that CI moves to every new build. */
  tag: string;
  /** The Applications and the repositories of their images. */
  images: readonly { applicationName: string; repository: string }[];
  provider: Provider;
}

/**
 * Argo CD Image Updater, which notices new images in the registry and writes their digests into the release records.
 * Source: https://argocd-image-updater.readthedocs.io/en/stable/configuration/applications/
 */
export class ImageUpdater extends pulumi.ComponentResource {
  constructor(name: string, args: ImageUpdaterArgs, opts?: pulumi.ComponentResourceOptions) {
    const { project, argoCdNamespace: namespace, deploy, registry } = args;
    super("delivery:gitops:ImageUpdater", name, { project, owned: args.objects !== undefined }, opts);
    const own = { parent: this, provider: args.provider };
    const gitSecret = `${project}-image-updater-git`;
    const pullSecret = `${project}-image-updater-registry`;
    const secrets = [
      new Secret(
        `${name}-git`,
        { metadata: { name: gitSecret, namespace }, stringData: { username: deploy.username, password: deploy.token } },
        own,
      ),
      new Secret(
        `${name}-registry`,
        {
          metadata: { name: pullSecret, namespace },
          stringData: { credentials: pulumi.interpolate`${registry.username}:${registry.password}` },
        },
        own,
      ),
    ];
    const { objects = [], provider } = args;
    const installation = installedObjects({ parent: this, name, objects, after: [], provider });
    new CustomResource(
      name,
      {
        apiVersion: "argocd-image-updater.argoproj.io/v1alpha1",
        kind: "ImageUpdater",
        metadata: { name: project, namespace },
        spec: {
          commonUpdateSettings: {
            updateStrategy: "digest",
            pullSecret: `secret:${namespace}/${pullSecret}#credentials`,
          },
          writeBackConfig: {
            method: `git:secret:${gitSecret}`,
            // Relative to the Application's path: the release record, and nothing else.
            gitConfig: {
              repository: deploy.repository,
              branch: deploy.branch,
              writeBackTarget: "kustomization:./release",
            },
          },
          applicationRefs: args.images.map(({ applicationName, repository }) => ({
            namePattern: applicationName,
            images: [
              {
                alias: "service",
                imageName: `${repository}:${args.tag}`,
                manifestTargets: { kustomize: { name: repository } },
              },
            ],
          })),
        },
      },
      { ...own, dependsOn: [...secrets, ...installation] },
    );
    this.registerOutputs();
  }
}
