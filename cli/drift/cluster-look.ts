import { applicationName } from "../../core/names.ts";
import { shortDigest } from "../../git/records.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { valueAt } from "../../kubernetes/json.ts";
import { listAt, nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import {
  applicationFacts,
  deploymentFacts,
  listApplications,
  listDeployments,
  type ClusterPlace,
} from "../status/cluster-facts.ts";
import { liveObjects } from "./live-objects.ts";
import { lookOf, type Finding, type Look } from "./model.ts";

export interface ClusterLookArgs extends ClusterPlace {
  readonly delivery: "gitops" | "direct";
  /** What is to run, by service; `undefined`: the deploy repository cannot be asked, or there is none. */
  readonly records: ReadonlyMap<string, ReleaseRecord> | undefined;
  /** The objects that the stack itself declares, as `Kind/name`; `undefined`: its state cannot be asked. */
  readonly declared: ReadonlySet<string> | undefined;
}

/** What the cluster says of the environment. */
export interface ClusterFacts {
  readonly applications: readonly KubernetesObject[];
  readonly deployments: readonly KubernetesObject[];
  /** As `Kind/name`. */
  readonly objects: ReadonlySet<string>;
}

/** @throws Error where the cluster cannot be asked, or refuses */
export async function clusterLook(client: KubernetesClient, args: ClusterLookArgs, signal: AbortSignal): Promise<Look> {
  const [applications, deployments, objects] = await Promise.all([
    args.delivery === "gitops" ? listApplications(client, args, signal) : [],
    listDeployments(client, args, signal),
    liveObjects(client, args.namespace, signal),
  ]);
  const reasons = [
    ...(args.delivery === "gitops" && args.records === undefined
      ? ["what is to run is not known without the deploy repository"]
      : []),
    ...(args.declared === undefined ? ["which objects are extra is not known without the stack's state"] : []),
  ];
  const findings = clusterFindings(args, { applications, deployments, objects });
  return lookOf("cluster", findings, reasons.length === 0 ? null : reasons.join("; "));
}

export function clusterFindings(args: ClusterLookArgs, facts: ClusterFacts): Finding[] {
  const { records, declared } = args;
  const services = [...(records ?? [])];
  return [
    ...(args.delivery === "gitops" ? services.flatMap(([service]) => missingApplication(args, service, facts)) : []),
    ...facts.applications.flatMap(applicationFindings),
    ...services.flatMap(([service, record]) => imageFindings(service, record, facts)),
    ...facts.deployments.flatMap((deployment) => healthFindings(deployment, records)),
    ...(declared === undefined ? [] : extraFindings(declared, facts)),
  ];
}

function missingApplication({ app, environment }: ClusterLookArgs, service: string, facts: ClusterFacts): Finding[] {
  const name = applicationName(app, environment, service);
  return facts.applications.some((application) => nameOf(application) === name)
    ? []
    : [{ what: `Application ${name}`, change: "is not there" }];
}

function applicationFindings(application: KubernetesObject): Finding[] {
  const what = `Application ${nameOf(application)}`;
  const { sync, health, message } = applicationFacts(application, "");
  const reason = message === null ? "" : `: ${message}`;
  const changed = listAt(application, "status", "resources")
    .filter((resource) => stringAt(resource, "status") === "OutOfSync")
    .map((resource) => ({
      what: `${stringAt(resource, "kind") ?? ""} ${stringAt(resource, "name") ?? ""}`,
      change: resource["requiresPruning"] === true ? "is not in Git any more" : "is other than in Git, says Argo CD",
    }));
  return [
    ...(sync === "Synced" ? [] : [{ what, change: `is ${sync}${changed.length === 0 ? reason : ""}` }]),
    ...changed,
    ...(health === "Healthy" ? [] : [{ what, change: `is ${health}${reason}` }]),
    ...(valueAt(application, "spec", "syncPolicy", "automated", "selfHeal") === true
      ? []
      : [{ what, change: "does not heal itself: automated sync or its selfHeal is off" }]),
  ];
}

function imageFindings(service: string, { image }: ReleaseRecord, { deployments }: ClusterFacts): Finding[] {
  if (image === undefined) return [];
  const deployment = deployments.find((one) => nameOf(one) === service);
  if (deployment === undefined) return [{ what: `Deployment ${service}`, change: "is not there" }];
  const running = deploymentFacts(deployment).image;
  if (running === `${image.repository}@${image.digest}`) return [];
  return [{ what: `Deployment ${service}`, change: `runs ${running}, and ${shortDigest(image.digest)} is released` }];
}

/** Before its first release a service is to have no pods. */
function healthFindings(deployment: KubernetesObject, records: ClusterLookArgs["records"]): Finding[] {
  const { service, health, message } = deploymentFacts(deployment);
  const released = records?.get(service)?.image !== undefined || records?.has(service) !== true;
  if (health === "Healthy" || (health === "Suspended" && !released)) return [];
  return [{ what: `Deployment ${service}`, change: `is ${health}: ${message ?? ""}` }];
}

function extraFindings(declared: ReadonlySet<string>, { applications, objects }: ClusterFacts): Finding[] {
  const tracked = applications.flatMap((application) =>
    listAt(application, "status", "resources").map(
      (resource) => `${stringAt(resource, "kind") ?? ""}/${stringAt(resource, "name") ?? ""}`,
    ),
  );
  const known = new Set([...declared, ...tracked]);
  return [...objects]
    .filter((object) => !known.has(object))
    .map((object) => ({ what: object.replace("/", " "), change: "is extra: neither Git nor the stack declares it" }));
}
