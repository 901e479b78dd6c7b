import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import * as pulumi from "@pulumi/pulumi";
import { ciAccount, ciNamespace, type CiWall } from "../../core/names.ts";
import { contextValues, type ContextSources } from "../circleci/context-values.ts";
import { declaredContexts, type ContextDeclaration, type ContextsArgs } from "../circleci/contexts.ts";
import { commonLabels } from "../manifests/metadata.ts";

export interface TektonCiArgs extends Omit<ContextsArgs, keyof ContextSources>, ContextSources {
  /** The URL of the monorepo on its Git host, whose events start runs. */
  repository: string;
  /** The content of a kubeconfig. @default the machine's own */
  kubeconfig?: pulumi.Output<string> | undefined;
  /** The kubeconfig's context of the cluster with Tekton and Pipelines-as-Code. @default its current one */
  clusterContext?: string | undefined;
}

const walls: readonly CiWall[] = ["deliver", "review", "forks"];

/**
 * What a pipeline has on the cluster that Tekton runs it on. The contexts are Secrets, in the namespaces of those runs that may
 * read them: a run can name any Secret of its namespace, so that the namespace is the wall. With the project come the namespaces,
 * and who may start a run in which.
 */
export class TektonCi extends pulumi.ComponentResource {
  constructor(name: string, args: TektonCiArgs, opts?: pulumi.ComponentResourceOptions) {
    const { app, environment, clusterContext: context } = args;
    super("delivery:ci:TektonCi", name, { app, environment }, opts);
    const provider = new Provider(
      `${name}-ci`,
      {
        kubeconfig: args.kubeconfig ?? "",
        ...(context === undefined ? {} : { context }),
        enablePatchForce: true,
        enableSecretMutable: true,
        clusterIdentifier: `${app}-ci`,
      },
      { parent: this },
    );
    const own = { parent: this, provider };
    const dependsOn = args.owned ? [...declareWalls(app, args.repository, own)] : [];
    const { shared, environment: ofEnvironment } = declaredContexts(args);
    for (const one of [...shared, ofEnvironment])
      for (const namespace of namespacesOf(app, one))
        new Secret(
          `${namespace}-${one.name}`,
          {
            metadata: { name: one.name, namespace, labels: commonLabels(app) },
            stringData: contextValues(one.variables, args),
          },
          { ...own, dependsOn },
        );
    this.registerOutputs({});
  }
}

/** Where the runs are that may read a context. */
function namespacesOf(app: string, { kind }: ContextDeclaration): readonly string[] {
  const namespaces: Readonly<Record<ContextDeclaration["kind"], readonly string[]>> = {
    build: [ciNamespace(app, "deliver")],
    environment: [ciNamespace(app, "deliver")],
    // What finds out what has changed asks the Git host and the deploy repository.
    read: [ciNamespace(app), ciNamespace(app, "review")],
    // What is merged removes the environments of pull requests that are closed.
    previews: [ciNamespace(app, "deliver"), ciNamespace(app, "review")],
  };
  return namespaces[kind];
}

/** The namespaces of the runs, who may start some in each, and the events that do. */
function declareWalls(app: string, url: string, own: pulumi.CustomResourceOptions): readonly pulumi.Resource[] {
  const labels = commonLabels(app);
  const start = ciNamespace(app);
  const namespaces = [start, ...walls.map((wall) => ciNamespace(app, wall))].map(
    (name) => new Namespace(name, { metadata: { name, labels } }, own),
  );
  const after = { ...own, dependsOn: namespaces };
  for (const wall of walls) {
    const name = ciAccount(wall);
    const namespace = ciNamespace(app, wall);
    const metadata = { name, namespace, labels };
    new ServiceAccount(name, { metadata: { ...metadata, namespace: start } }, after);
    new Role(
      name,
      {
        metadata,
        rules: [
          {
            apiGroups: ["tekton.dev"],
            resources: ["pipelineruns"],
            verbs: ["create", "get", "list", "patch", "delete"],
          },
        ],
      },
      after,
    );
    new RoleBinding(
      name,
      {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
        subjects: [{ kind: "ServiceAccount", name, namespace: start }],
      },
      after,
    );
  }
  new CustomResource(
    "repository",
    {
      apiVersion: "pipelinesascode.tekton.dev/v1alpha1",
      kind: "Repository",
      metadata: { name: app, namespace: start, labels },
      // Else whoever may push a branch would say there which account its run has.
      spec: { url, settings: { pipelinerun_provenance: "default_branch" } },
    },
    after,
  );
  return namespaces;
}
