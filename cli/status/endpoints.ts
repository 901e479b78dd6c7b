import { circleCiHost } from "../../circleci/api.ts";
import { contextName, namespaceName } from "../../core/names.ts";
import type { DeployBranch } from "../../git/deploy-branch.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import type { SettingName } from "../project/stack-file.ts";
import type { Registry } from "../registry/client.ts";
import type { CiLocation, CiState } from "./ci-status.ts";

/** Where the parts of one environment's pipeline are, and how to ask them. */
export interface StatusEndpoints {
  readonly app: string;
  readonly environment: string;
  readonly delivery: "gitops" | "direct";
  /** The services that nothing tests, as they say. */
  readonly untested: readonly string[];
  readonly namespace: string;
  readonly argoCdNamespace: string;
  /** The monorepo's root. */
  readonly directory: string;
  /** `undefined`: the stack file names none. */
  readonly deploy: DeployBranch | undefined;
  /** @throws Error where no cluster is known */
  readonly cluster: () => KubernetesClient;
  /** The environment's clusters beside that one. @default none */
  readonly furtherClusters?: readonly {
    readonly name: string;
    readonly wave: number;
    /** What of the names of its Applications belongs to it. */
    readonly argoCdName: string;
    /** @throws Error where no such cluster is known */
    readonly cluster: () => KubernetesClient;
  }[];
  readonly registry: Registry;
  readonly ci: CiLocation;
  /** How an engine other than CircleCI is asked. @default CircleCI runs the pipeline */
  readonly otherCi?: ((signal: AbortSignal) => Promise<CiState>) | undefined;
}

/** What a stack file says of where these parts are. */
export const endpointSettings = [
  "environment",
  "app",
  "images",
  "ci",
  "cluster",
  "clusters",
  "delivery",
  "gitops",
  "github",
] as const satisfies SettingName[];

export type EndpointSettings = Pick<StackSettings, (typeof endpointSettings)[number]>;

/** @param name the stack's, which is also the environment's unless the file says otherwise */
export function endpointsOf(
  name: string,
  settings: EndpointSettings,
): Omit<StatusEndpoints, "cluster" | "furtherClusters" | "registry" | "ci" | "otherCi" | "untested"> & {
  ci: Omit<CiLocation, "token">;
} {
  const { app, environment = name, delivery, cluster, gitops, github, ci } = settings;
  return {
    app: app.name,
    environment,
    delivery,
    namespace: cluster.namespace ?? namespaceName(app.name, environment),
    argoCdNamespace: gitops?.argoCd.namespace ?? "argocd",
    directory: app.directory,
    deploy: gitops && { repository: gitops.repository, branch: gitops.branch, signing: gitops.signing },
    ci: {
      host: ci.host ?? circleCiHost,
      organizationId: ci.organizationId,
      context: contextName(app.name, environment),
      projectSlug: ci.projectSlug,
      branch: github?.branch,
    },
  };
}
