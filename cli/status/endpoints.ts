import { contextName, namespaceName } from "../../core/names.ts";
import type { DeployBranch } from "../../git/deploy-branch.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { stackSchema, type StackSettings } from "../../stacks/schema.ts";
import type { Registry } from "../registry/client.ts";
import type { CiLocation } from "./ci-status.ts";

/** Where the parts of one environment's pipeline are, and how to speak to them. */
export interface StatusEndpoints {
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
  readonly ci: CiLocation;
}

/** The part of a stack file that says where these parts are. */
export const endpointSchema = stackSchema.pick({
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

/** What a stack file says of the places. */
export type EndpointSettings = Pick<
  StackSettings,
  "app" | "environment" | "delivery" | "cluster" | "gitops" | "github" | "ci" | "images"
>;

/** @param name the stack's, which is also the environment's unless the file says otherwise */
export function endpointsOf(
  name: string,
  settings: EndpointSettings,
): Omit<StatusEndpoints, "cluster" | "registry" | "ci"> & { ci: Omit<CiLocation, "token"> } {
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
