import { contextName, namespaceName } from "../../core/names.ts";
import type { DeployBranch } from "../../git/deploy-branch.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { stackSchema, type StackSettings } from "../../stacks/schema.ts";
import type { Registry } from "../registry/client.ts";
import { readCi, type CiPlace } from "./ci-facts.ts";
import { readApplications, readDeployments } from "./cluster-facts.ts";
import type { StatusSources } from "./collect.ts";
import { NotReachableError } from "./reading.ts";
import { readReleases } from "./release-facts.ts";
import { readSource } from "./source-facts.ts";

/** Where the parts of one environment's pipeline are, and how to speak to them. */
export interface StatusPlaces {
  readonly app: string;
  readonly environment: string;
  readonly delivery: "gitops" | "direct";
  readonly namespace: string;
  readonly argoCdNamespace: string;
  /** The monorepo's root. */
  readonly directory: string;
  /** `undefined`: the stack file names none. */
  readonly deploy: DeployBranch | undefined;
  /** @throws Error where no cluster is known */
  readonly cluster: () => KubernetesClient;
  readonly registry: Registry;
  readonly ci: CiPlace;
}

/** The part of a stack file that says where these parts are. */
export const placeSchema = stackSchema.pick({
  schemaVersion: true,
  environment: true,
  app: true,
  images: true,
  ci: true,
  cluster: true,
  delivery: true,
  gitops: true,
  github: true,
});

/** One try, and a short one: whoever asks for the status wants an answer now. */
export const statusFetchLimits = { retries: 0, timeout: 5000 } as const;
const gitSeconds = 10;

/** The readers of a real pipeline. */
export function statusSources(places: StatusPlaces): StatusSources {
  const { app, environment, delivery, deploy, registry } = places;
  return {
    app,
    environment,
    delivery,
    source: (signal) => readSource(places.directory, signal),
    ci: (signal) => readCi(places.ci, signal),
    hasImage: async ({ repository, digest }) => (await registry.digest(repository, digest)) !== undefined,
    releases: async () => {
      if (deploy === undefined)
        throw new NotReachableError("the stack file names no deploy repository (gitops.repository)");
      return readReleases({ ...deploy, timeoutSeconds: gitSeconds }, environment);
    },
    applications: async (signal) => readApplications(places.cluster(), places, signal),
    deployments: async (signal) => readDeployments(places.cluster(), places, signal),
  };
}

/** What a stack file says of the places. */
export type PlaceSettings = Pick<
  StackSettings,
  "app" | "environment" | "delivery" | "cluster" | "gitops" | "github" | "ci" | "images"
>;

/** @param name the stack's, which is also the environment's unless the file says otherwise */
export function placesOf(
  name: string,
  settings: PlaceSettings,
): Omit<StatusPlaces, "cluster" | "registry" | "ci"> & { ci: Omit<CiPlace, "token"> } {
  const { app, environment = name, delivery, cluster, gitops, github, ci } = settings;
  return {
    app: app.name,
    environment,
    delivery,
    namespace: cluster.namespace ?? namespaceName(app.name, environment),
    argoCdNamespace: gitops?.argoCd.namespace ?? "argocd",
    directory: app.directory,
    deploy: gitops && { repository: gitops.repository, branch: gitops.branch },
    ci: {
      host: ci.host ?? "https://circleci.com/api/v2",
      organizationId: ci.organizationId,
      context: contextName(app.name, environment),
      projectSlug: ci.projectSlug,
      branch: github?.branch,
    },
  };
}
