import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob.js";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import * as pulumi from "@pulumi/pulumi";
import { ciAccount, ciNamespace, pullSecretName, type CiWall } from "../../core/names.ts";
import type { CiSchedule } from "../circleci/ci-pipeline.ts";
import { contextValue, contextValues, type ContextSources } from "../circleci/context-values.ts";
import { declaredContexts, type ContextDeclaration, type ContextsArgs } from "../circleci/contexts.ts";
import { commonLabels } from "../manifests/metadata.ts";
import { pullSecretData } from "../secrets.ts";

export interface TektonCiArgs extends Omit<ContextsArgs, keyof ContextSources>, ContextSources {
  /** The URL of the monorepo on its Git host, whose events start runs. */
  repository: string;
  /** The content of a kubeconfig. @default the machine's own */
  kubeconfig?: pulumi.Output<string> | undefined;
  /** The kubeconfig's context of the cluster with Tekton and Pipelines-as-Code. @default its current one */
  clusterContext?: string | undefined;
  /** The image of jobs, which has Node.js. */
  image: string;
  /** When runs start without an event. @default never */
  schedules?: readonly CiSchedule[] | undefined;
  /** Where Pipelines-as-Code takes what starts them, and the name of the secret that it asks for; schedules need it. */
  incoming?: { readonly controller: string; readonly secret: string } | undefined;
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
    const dependsOn = args.owned ? [...declareWalls(args, own)] : [];
    if (args.owned) {
      declarePullSecrets(args, { ...own, dependsOn });
      declareSchedules(args, { ...own, dependsOn });
    }
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
function declareWalls(
  { app, repository: url, schedules = [], incoming }: TektonCiArgs,
  own: pulumi.CustomResourceOptions,
): readonly pulumi.Resource[] {
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
      spec: {
        url,
        settings: { pipelinerun_provenance: "default_branch" },
        ...(incoming === undefined || schedules.length === 0
          ? {}
          : {
              incoming: [
                {
                  type: "webhook-url",
                  targets: [...new Set(schedules.map(({ branch }) => branch))],
                  secret: { name: incomingSecret, key: incomingKey },
                },
              ],
            }),
      },
    },
    after,
  );
  return namespaces;
}

/**
 * The login for pulls, with which nodes get private images of jobs. Runs name it, since the service account that they have is
 * Kubernetes' own of the namespace. Runs of forks have no Secret at all.
 */
function declarePullSecrets({ app, pull, secrets }: TektonCiArgs, own: pulumi.CustomResourceOptions): void {
  if (pull === undefined) return;
  const password = pulumi.secret(contextValue(`secrets.${pull.password}`, { secrets }));
  for (const namespace of [ciNamespace(app), ciNamespace(app, "deliver"), ciNamespace(app, "review")])
    new Secret(
      `${namespace}-${pullSecretName}`,
      {
        metadata: { name: pullSecretName, namespace, labels: commonLabels(app) },
        ...pullSecretData({ server: pull.registry, username: pull.username, password }),
      },
      own,
    );
}

const incomingSecret = "incoming";
const incomingKey = "secret";

/** Asks Pipelines-as-Code for a run; Node.js is what every image of jobs has. */
const startRun = `const { CONTROLLER, SECRET, REPOSITORY, NAMESPACE, BRANCH, RUN } = process.env;
const body = { repository: REPOSITORY, namespace: NAMESPACE, branch: BRANCH, pipelinerun: RUN, secret: SECRET };
const headers = { "content-type": "application/json" };
const answer = await fetch(CONTROLLER + "/incoming", { method: "POST", headers, body: JSON.stringify(body) });
console.log(answer.status, await answer.text());
if (!answer.ok) process.exit(1);`;

/**
 * Starts runs at times, as somebody would by hand. They have no service account's token.
 * Source: https://pipelinesascode.com/docs/guide/incoming_webhook/
 */
function declareSchedules(args: TektonCiArgs, own: pulumi.CustomResourceOptions): void {
  const { app, image, pull, schedules = [], incoming, secrets } = args;
  if (incoming === undefined || schedules.length === 0) return;
  const namespace = ciNamespace(app);
  const labels = commonLabels(app);
  const secret = new Secret(
    incomingSecret,
    {
      metadata: { name: incomingSecret, namespace, labels },
      stringData: { [incomingKey]: contextValue(`secrets.${incoming.secret}`, { secrets }) },
    },
    own,
  );
  for (const { name, schedule, branch } of schedules) {
    const variables = {
      CONTROLLER: incoming.controller,
      REPOSITORY: app,
      NAMESPACE: namespace,
      BRANCH: branch,
      RUN: `${name}-`,
    };
    new CronJob(
      name,
      {
        metadata: { name, namespace, labels },
        spec: {
          schedule,
          timeZone: "Etc/UTC",
          concurrencyPolicy: "Forbid",
          jobTemplate: {
            spec: {
              backoffLimit: 3,
              activeDeadlineSeconds: 300,
              template: {
                spec: {
                  restartPolicy: "Never",
                  automountServiceAccountToken: false,
                  ...(pull === undefined ? {} : { imagePullSecrets: [{ name: pullSecretName }] }),
                  containers: [
                    {
                      name: "start",
                      image,
                      command: ["node", "--input-type=module", "--eval", startRun],
                      env: [
                        ...Object.entries(variables).map(([variable, value]) => ({ name: variable, value })),
                        { name: "SECRET", valueFrom: { secretKeyRef: { name: incomingSecret, key: incomingKey } } },
                      ],
                    },
                  ],
                },
              },
            },
          },
        },
      },
      { ...own, dependsOn: secret },
    );
  }
}
