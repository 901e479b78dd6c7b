import { ValidatingAdmissionPolicy } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicy.js";
import { ValidatingAdmissionPolicyBinding } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicyBinding.js";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { namespaceName, previewName, previewsProjectName } from "../../core/names.ts";
import { previewDirectory } from "../../git/preview-directory.ts";
import type { PreviewBounds } from "../manifests/preview-bounds.ts";
import { AppProject, type AppProjectArgs } from "./app-project.ts";
import { applicationSpec, resourcesFinalizer } from "./application.ts";

/** Which pull requests get an environment of their own, as the stack file says. */
export interface PreviewSettings {
  label: string;
  /** How often Argo CD looks for pull requests. */
  intervalSeconds: number;
}

export interface PreviewEnvironmentsArgs {
  app: string;
  settings: PreviewSettings;
  /** The monorepo on GitHub, as owner/name, and the base URL of GitHub's API. */
  github: { repository: string; api: string };
  /** With which Argo CD lists its pull requests. @default it is public */
  githubToken?: pulumi.Output<string> | undefined;
  argoCdNamespace: string;
  /** What their manifests may not ask for. */
  bounds: PreviewBounds;
  /** The kinds of objects that services bring along. @default none */
  ownKinds?: AppProjectArgs["ownKinds"];
  /** The deploy repository, where CI puts what a pull request's environment consists of. */
  deploy: AppProjectArgs["repository"] & { branch: string };
  provider: Provider;
}

/** The API that Argo CD asks by default. */
const publicApi = "https://api.github.com";

/** What stands for the pull request's number in a template of Argo CD. */
const pullRequest = "{{.number}}";

/**
 * An environment for every pull request with a label, for as long as it is open: Argo CD asks GitHub for them and keeps one
 * Application each, in a namespace of its own.
 * Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-Pull-Request/
 */
export class PreviewEnvironments extends pulumi.ComponentResource {
  constructor(name: string, args: PreviewEnvironmentsArgs, opts?: pulumi.ComponentResourceOptions) {
    const { app, settings, github, githubToken, argoCdNamespace, bounds, ownKinds, deploy, provider } = args;
    super("delivery:gitops:PreviewEnvironments", name, { app, label: settings.label }, opts);
    const own = { parent: this, provider };
    const project = new AppProject(
      previewsProjectName(app),
      {
        project: previewsProjectName(app),
        argoCdNamespace,
        namespace: namespaceName(app, previewName("*")),
        ownsNamespace: true,
        ...(ownKinds === undefined ? {} : { ownKinds }),
        repository: deploy,
        provider,
      },
      { parent: this },
    );
    const policy = new ValidatingAdmissionPolicy(`${name}-bounds`, bounds.policy, own);
    const binding = new ValidatingAdmissionPolicyBinding(`${name}-bounds`, bounds.binding, {
      ...own,
      dependsOn: policy,
    });
    const tokenName = `${previewsProjectName(app)}-github`;
    // The label is what Argo CD asks for where it is set to be strict.
    const labels = { "argocd.argoproj.io/secret-type": "scm-creds" };
    const metadata = { name: tokenName, namespace: argoCdNamespace, labels };
    const token =
      githubToken === undefined
        ? []
        : [new Secret(`${name}-github`, { metadata, stringData: { token: githubToken } }, own)];
    const [owner, repo] = github.repository.split("/");
    new CustomResource(
      name,
      {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "ApplicationSet",
        metadata: { name: previewsProjectName(app), namespace: argoCdNamespace },
        spec: {
          goTemplate: true,
          goTemplateOptions: ["missingkey=error"],
          generators: [
            {
              pullRequest: {
                github: {
                  owner,
                  repo,
                  ...(github.api === publicApi ? {} : { api: github.api }),
                  ...(githubToken === undefined ? {} : { tokenRef: { secretName: tokenName, key: "token" } }),
                  labels: [settings.label],
                },
                requeueAfterSeconds: settings.intervalSeconds,
              },
            },
          ],
          template: {
            metadata: {
              name: namespaceName(app, previewName(pullRequest)),
              finalizers: [resourcesFinalizer],
            },
            spec: applicationSpec({
              project: project.project,
              namespace: namespaceName(app, previewName(pullRequest)),
              source: { repository: deploy.url, branch: deploy.branch, path: previewDirectory(pullRequest) },
            }),
          },
        },
      },
      // Its Applications go before it does, and they need their project until they are gone.
      { ...own, dependsOn: [...project.parts, ...token, binding], customTimeouts: { delete: "5m" } },
    );
    this.registerOutputs();
  }
}
