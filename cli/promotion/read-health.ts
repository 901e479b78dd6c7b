import { applicationName } from "../../core/names.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { openCluster } from "../project/cluster.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { Project } from "../project/stack-file.ts";
import { listAll, listApplications, listPods, listWorkloads } from "../status/cluster-status.ts";
import { endpointSettings, endpointsOf, type StatusEndpoints } from "../status/endpoints.ts";
import { releasesReader, type DeployStatus } from "../status/git-status.ts";
import type { HealthStatus } from "./health.ts";

/** Where the health of an environment's services is asked. */
export interface HealthSource {
  /** What its branch of the deploy repository says. */
  readonly releases: () => Promise<DeployStatus>;
  readonly endpoints: Pick<StatusEndpoints, "app" | "environment" | "delivery" | "namespace" | "argoCdNamespace">;
  /** @throws Error where no cluster is known */
  readonly cluster: () => KubernetesClient;
  /** That of Argo CD, where it is another one. @default the same */
  readonly argoCdCluster?: () => KubernetesClient;
  readonly signal: AbortSignal;
}

/** @throws CommandError where no stack file says where the environment runs */
export function openHealthSource(
  project: Project,
  from: DeliveryEnvironment,
  { environment, signal }: Pick<CommandContext, "environment" | "signal">,
): HealthSource {
  const file = project.stackFile(from.name);
  const settings = file.find(...endpointSettings);
  if (settings === undefined)
    throw new CommandError(
      `there is no ${file.path} in ${process.cwd()}, which says where ${from.name} runs: whether it is Healthy cannot be asked; nothing was changed`,
    );
  return {
    releases: releasesReader(from, from.directory),
    endpoints: endpointsOf(from.name, settings),
    signal,
    cluster: () => openCluster(environment, settings.cluster.context),
  };
}

/** What the deploy repository and the cluster say of each service. */
export async function readHealth({
  releases: read,
  endpoints,
  cluster,
  argoCdCluster,
  signal,
}: HealthSource): Promise<(service: string) => HealthStatus> {
  const argoCd = endpoints.delivery === "gitops";
  const client = cluster();
  const [{ releases }, applications, { workloads, runs, hiddenRollouts }, pods, disruptionBudgets, cronJobs] =
    await Promise.all([
      read(),
      argoCd ? listApplications(argoCdCluster?.() ?? client, endpoints, signal) : [],
      listWorkloads(client, endpoints, signal),
      listPods(client, endpoints, signal),
      listAll(client, "policy/v1/poddisruptionbudgets", endpoints, signal),
      listAll(client, "batch/v1/cronjobs", endpoints, signal),
    ]);
  const named = (objects: readonly KubernetesObject[], name: string): KubernetesObject | undefined =>
    objects.find((object) => nameOf(object) === name);
  const ofService = (objects: readonly KubernetesObject[], service: string): KubernetesObject[] =>
    objects.filter((object) => stringAt(object, "metadata", "labels", "app.kubernetes.io/name") === service);
  return (service) => ({
    argoCd,
    releasedAt: releases.find((release) => release.service === service)?.releasedAt ?? null,
    application: named(applications, applicationName(endpoints.app, endpoints.environment, service)),
    workload: named(workloads, service),
    runs,
    pods: ofService(pods, service),
    disruptionBudgets,
    cronJobs,
    hiddenRollouts,
  });
}
