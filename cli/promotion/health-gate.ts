import { applicationName } from "../../core/names.ts";
import type { Release } from "../../git/records.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import { listApplications, listDeployments, listPods } from "../status/cluster-facts.ts";
import { reasonOf } from "../status/reading.ts";
import { readReleases } from "../status/release-facts.ts";
import type { StatusPlaces } from "../status/sources.ts";
import type { GateOutcome } from "./gate.ts";
import { healthOf, type HealthFacts } from "./health.ts";

export interface HealthGate {
  /** Where the digests come from. */
  readonly from: DeliveryEnvironment;
  readonly places: Pick<StatusPlaces, "app" | "environment" | "delivery" | "namespace" | "argoCdNamespace">;
  /** @throws Error where no cluster is known */
  readonly cluster: () => KubernetesClient;
  readonly minutes: number;
  readonly signal: AbortSignal;
}

/** Whether all of the digests have been running Healthy for so long. What cannot be asked does not pass. */
export async function healthGate(gate: HealthGate, releases: readonly Release[]): Promise<GateOutcome> {
  const { from, minutes } = gate;
  try {
    const factsOf = await readHealth(gate);
    const now = Date.now();
    const services = releases.map((release) => healthOf(release, factsOf(release.service), minutes, now));
    const well = services.filter(({ passed }) => passed).length;
    const detail = `${well} of ${services.length} digests have been Healthy in ${from.name} for ${minutes} minutes`;
    return { gate: "health", passed: well === services.length, detail, services };
  } catch (error) {
    return { gate: "health", passed: false, detail: `${from.name} cannot be asked: ${reasonOf(error)}` };
  }
}

async function readHealth({ from, places, cluster, signal }: HealthGate): Promise<(service: string) => HealthFacts> {
  const argoCd = places.delivery === "gitops";
  const client = cluster();
  const [{ releases }, applications, deployments, pods] = await Promise.all([
    readReleases(from, from.directory),
    argoCd ? listApplications(client, places, signal) : [],
    listDeployments(client, places, signal),
    listPods(client, places, signal),
  ]);
  const named = (objects: readonly KubernetesObject[], name: string): KubernetesObject | undefined =>
    objects.find((object) => nameOf(object) === name);
  return (service) => ({
    argoCd,
    releasedAt: releases.find((release) => release.service === service)?.releasedAt ?? null,
    application: named(applications, applicationName(places.app, places.environment, service)),
    deployment: named(deployments, service),
    pods: pods.filter((pod) => stringAt(pod, "metadata", "labels", "app.kubernetes.io/name") === service),
  });
}
