import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import type * as pulumi from "@pulumi/pulumi";
import { withoutTraces } from "../bulk-declaration.ts";
import { gatewayApi } from "../manifests/routes.ts";

/** What an Application keeps running, and where. */
export interface ApplicationSpecArgs {
  /** The environment's AppProject. */
  project: string;
  /** Where its objects run. */
  namespace: string;
  /** Where Argo CD reaches the cluster. @default its own */
  server?: string;
  source: { repository: string; branch: string; path: string };
  /** Whether an autoscaler says how many pods its Deployment has. @default false */
  autoscaled?: boolean;
  /** Whether the environment has Argo Rollouts. @default false */
  rollouts?: boolean;
  /** The Services of which Argo Rollouts says to which of their pods they lead. @default none */
  switchedServices?: readonly string[];
  /** The kind and name of the route of which Argo Rollouts writes the weights. @default none */
  weightedRoute?: { readonly kind: "HTTPRoute" | "GRPCRoute"; readonly name: string } | undefined;
  /** Whether one of its objects cannot change, and is made anew instead: a Job. @default false */
  replacing?: boolean;
}

export interface ApplicationArgs extends ApplicationSpecArgs {
  /** Unique on the cluster, e.g. `delinkcious-dev-link`. */
  applicationName: string;
  argoCdNamespace: string;
  /** @default none */
  labels?: Readonly<Record<string, string>>;
  /** How many seconds longer than others it may take until it is Synced and Healthy. @default 0 */
  extraSeconds?: number;
  /** Whether its objects stay on the cluster when it is deleted, for another writer to adopt. */
  handOver: boolean;
  provider: Provider;
}

/** Where Argo CD reaches the cluster that it runs on. */
export const ownServer = "https://kubernetes.default.svc";

/** Argo CD removes the objects before the Application is gone; without it they stay. */
export const resourcesFinalizer = "resources-finalizer.argocd.argoproj.io/background";

/** How long a new Application may take until it is Synced and Healthy, in seconds. */
const healthSeconds = 300;

/** One Application of Argo CD: keeps what a directory of the deploy repository says running on the cluster. */
export function application(name: string, args: ApplicationArgs, opts: pulumi.CustomResourceOptions): CustomResource {
  const synced = ["jsonpath={.status.sync.status}=Synced", "jsonpath={.status.health.status}=Healthy"];
  const healthTimeout = durationOf(healthSeconds + (args.extraSeconds ?? 0));
  return withoutTraces(
    () =>
      new CustomResource(
        name,
        {
          apiVersion: "argoproj.io/v1alpha1",
          kind: "Application",
          metadata: {
            name: args.applicationName,
            namespace: args.argoCdNamespace,
            ...(args.labels === undefined ? {} : { labels: args.labels }),
            // Not `manifest-generate-paths`: a commit that comes during a sync would be taken for no change (docs/decisions/git.md).
            annotations: { "pulumi.com/waitFor": JSON.stringify(synced) },
            finalizers: args.handOver ? [] : [resourcesFinalizer],
          },
          spec: applicationSpec(args),
        },
        {
          ...opts,
          provider: args.provider,
          customTimeouts: { create: healthTimeout, update: healthTimeout, delete: "2m" },
        },
      ),
  );
}

/** As the engine shows it, in whole minutes if it can be. */
function durationOf(seconds: number): string {
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

/**
 * The names under which autoscalers write: the controller manager's, and those of the distributions whose one binary has it
 * inside (K3s, MicroK8s).
 */
const autoscalers = ["kube-controller-manager", "k3s", "kubelite"];

/**
 * What has Argo CD leave the replicas to the autoscaler. They are in Git nevertheless, since those that Argo CD alone has set
 * would fall to 1 as soon as they are not: so it applies them until the autoscaler has changed them, and again once there is
 * none. What others set is undone.
 * Source: https://argo-cd.readthedocs.io/en/stable/user-guide/diffing/, …/sync-options/#respect-ignore-difference-configs
 */
const leaveReplicas = { group: "apps", kind: "Deployment", managedFieldsManagers: autoscalers };

/**
 * What has Argo CD leave to Argo Rollouts to which of its pods a Service leads. For server-side apply a selector is one value, and
 * what Argo CD applies has the live label in it.
 */
const leaveSwitch = (name: string) => ({
  kind: "Service",
  name,
  jsonPointers: ["/spec/selector/rollouts-pod-template-hash"],
});

/**
 * Argo Rollouts gives a Service back when its Rollout is gone. By default Argo CD has that stay until its pods are gone, and the Service
 * would lead to nothing for as long. Said of all that may have had one: it is too late when the Rollout is no longer declared.
 */
const rolloutsGoFirst = "PrunePropagationPolicy=background";

/**
 * What has Argo CD leave the weights of a route to Argo Rollouts as long as nothing else of the service has changed. A sync that respected
 * them would keep the live rules as a whole, since a list of another kind than Kubernetes' own is one value to it, and no change of a
 * path would ever come through. So a sync writes those of no rollout, which Argo Rollouts corrects.
 */
const leaveWeights = (route: NonNullable<ApplicationSpecArgs["weightedRoute"]>) => ({
  group: gatewayApi.group,
  ...route,
  // A rule may have none, as one that redirects: without the question mark, it would put the whole expression out of force.
  jqPathExpressions: [".spec.rules[].backendRefs[]?.weight"],
});

/** What an Application is to do: follow a directory of Git, and undo what others change. */
export function applicationSpec({
  project,
  namespace,
  server = ownServer,
  source,
  autoscaled = false,
  rollouts = false,
  switchedServices = [],
  weightedRoute,
  replacing = false,
}: ApplicationSpecArgs) {
  const left = [
    ...(autoscaled ? [leaveReplicas] : []),
    ...switchedServices.map(leaveSwitch),
    ...(weightedRoute === undefined ? [] : [leaveWeights(weightedRoute)]),
  ];
  return {
    project,
    source: { repoURL: source.repository, targetRevision: source.branch, path: source.path },
    destination: { server, namespace },
    ...(left.length === 0 ? {} : { ignoreDifferences: left }),
    syncPolicy: {
      automated: { prune: true, selfHeal: true },
      // Of a Job that has changed, server-side apply could not even tell the difference: the API server refuses its dry run, and the
      // Application is neither Synced nor OutOfSync from then on. Nor could it replace the Job.
      syncOptions: replacing
        ? ["ServerSideApply=false"]
        : [
            "ServerSideApply=true",
            ...(left.length === 0 || weightedRoute !== undefined ? [] : ["RespectIgnoreDifferences=true"]),
            ...(rollouts ? [rolloutsGoFirst] : []),
          ],
      // What mends a failed sync is a commit: without the refresh, every attempt would be at the revision that failed.
      retry: { limit: 5, refresh: true, backoff: { duration: "1s", factor: 2, maxDuration: "1m" } },
    },
  };
}
