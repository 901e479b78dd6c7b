import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { droppedKindsRemoval } from "../cluster/dropped-kinds.ts";
import type { ClusterAccess } from "../cluster/cluster-access.ts";
import { deployedKinds } from "../manifests/manifest-files.ts";
import { ownServer } from "./application.ts";

export interface AppProjectArgs {
  /** The environment's project, e.g. `delinkcious-dev`. */
  project: string;
  /** Where Argo CD runs. */
  argoCdNamespace: string;
  /** Where the environment runs; `*` stands for any text. */
  namespace: string;
  /** Where Argo CD reaches the cluster. @default its own */
  server?: string;
  /** Whether all that is there comes from Git: the namespace itself, and Secrets. @default false: this program makes both */
  ownsNamespace?: boolean;
  /** The kinds of objects that services bring along. @default none */
  ownKinds?: readonly { group: string; kind: string }[];
  repository: {
    url: string;
    username: string;
    token?: pulumi.Output<string> | undefined;
    /** Nothing is applied but by a commit that one of these keys has signed, as Argo CD names them. @default whatever is there is applied */
    signedBy?: readonly string[] | undefined;
  };
  provider: Provider;
  /** How the cluster that its Applications write to is reached. @default their namespace goes with them, and all that is in it */
  access?: ClusterAccess;
}

/** The bounds of an environment in Argo CD: its repository, its namespace, the kinds that it may create there. */
export class AppProject extends pulumi.ComponentResource {
  readonly project: string;
  /** What its Applications need until they are gone: without project or repository, Argo CD cannot remove what they have made. */
  readonly parts: readonly pulumi.Resource[];

  constructor(name: string, args: AppProjectArgs, opts?: pulumi.ComponentResourceOptions) {
    const { project, argoCdNamespace, namespace, ownsNamespace = false, ownKinds = [], repository } = args;
    const { server = ownServer } = args;
    super("delivery:gitops:AppProject", name, { project, argoCdNamespace, namespace }, opts);
    this.project = project;
    const own = { parent: this, provider: args.provider };
    const appProject = new CustomResource(
      name,
      {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "AppProject",
        metadata: { name: project, namespace: argoCdNamespace },
        spec: {
          sourceRepos: [repository.url],
          destinations: [{ server, namespace }],
          clusterResourceWhitelist: ownsNamespace ? [{ group: "", kind: "Namespace", name: namespace }] : [],
          namespaceResourceWhitelist: [
            ...deployedKinds,
            ...(ownsNamespace ? [{ group: "", kind: "Secret" }] : []),
            ...ownKinds,
          ],
          ...sourceIntegrity(repository),
        },
      },
      args.access === undefined
        ? own
        : { ...own, hooks: droppedKindsRemoval({ project, namespace, access: args.access }) },
    );
    const { token } = repository;
    const stringData = { type: "git", url: repository.url, username: repository.username, project };
    const labels = { "argocd.argoproj.io/secret-type": "repository" };
    const metadata = { name: `${project}-repository`, namespace: argoCdNamespace, labels };
    this.parts = [
      appProject,
      ...(token === undefined
        ? []
        : [new Secret(name, { metadata, stringData: { ...stringData, password: token } }, own)]),
    ];
    this.registerOutputs({ project });
  }
}

/**
 * Argo CD checks the newest commit alone: to check all below it takes GnuPG a process each, at every comparison. Whoever signs
 * looks at the one below.
 * Source: https://argo-cd.readthedocs.io/en/latest/user-guide/source-integrity-git-gpg/
 */
function sourceIntegrity({ url, signedBy }: AppProjectArgs["repository"]): object {
  if (signedBy === undefined) return {};
  return { sourceIntegrity: { git: { policies: [{ repos: [{ url }], gpg: { mode: "head", keys: signedBy } }] } } };
}
