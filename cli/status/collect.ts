import { NotReachableError } from "../../core/error.ts";
import { inClusterName } from "../../core/names.ts";
import { waveDirectory } from "../../git/waves.ts";
import { readCi } from "./ci-status.ts";
import { readApplications, readWorkloads, type ApplicationStatus } from "./cluster-status.ts";
import type { WorkloadStatus } from "./workload-status.ts";
import type { StatusEndpoints } from "./endpoints.ts";
import { readReleases, readSource, type DeployStatus, type SourceStatus } from "./git-status.ts";
import { readMigrationStatus, type MigrationStatus } from "./migration-status.ts";
import type { ClusterStatus, DeliveryStatus, Stage } from "./model.ts";
import { readingOf, type Reading } from "./reading.ts";
import { problemsOf, serviceStatus, stagesOf, type ImagePresence, type Readings } from "./stages.ts";

/** An image that the registry is asked for. */
interface DesiredImage {
  readonly service: string;
  readonly repository: string;
  readonly digest: string;
}

type Ask<T> = (signal: AbortSignal) => Promise<T>;

/** How to ask each part of the pipeline. Each may throw, and is given up after some time. */
export interface StatusSources {
  readonly app: string;
  readonly environment: string;
  readonly delivery: "gitops" | "direct";
  /** The services that nothing tests, as they say. */
  readonly untested: readonly string[];
  readonly source: Ask<SourceStatus>;
  readonly ci: Ask<Pick<Stage, "state" | "summary">>;
  readonly hasImage: (image: DesiredImage) => Promise<boolean>;
  readonly releases: Ask<DeployStatus>;
  readonly applications: Ask<readonly ApplicationStatus[]>;
  readonly workloads: Ask<readonly WorkloadStatus[]>;
  readonly migrations: Ask<readonly MigrationStatus[]>;
  /** The environment's clusters beside its own. @default none */
  readonly furtherClusters?: readonly FurtherClusterSources[];
}

/** How to ask for what a further cluster is to run, and runs. */
interface FurtherClusterSources extends Pick<StatusSources, "releases" | "applications" | "workloads"> {
  readonly name: string;
  readonly wave: number;
}

/** How long each part may take, in milliseconds. */
interface StatusLimits {
  /** @default 5000 */
  readonly answer?: number;
  /** Git fetches the whole history of the deploy branch. @default 12000 */
  readonly git?: number;
}

/** Asks all parts at once; those that do not answer are `unknown`, and say why. Never throws. */
export async function collectStatus(sources: StatusSources, limits: StatusLimits = {}): Promise<DeliveryStatus> {
  const { answer = 5000, git: gitLimit = 12_000 } = limits;
  const { app, environment, delivery } = sources;
  const gitops = delivery === "gitops";
  const [source, ci, git, argocd, cluster, migrations, further] = await Promise.all([
    readingOf(sources.source, answer),
    readingOf(sources.ci, answer),
    gitops ? readingOf(sources.releases, gitLimit) : undefined,
    gitops ? readingOf(sources.applications, answer) : undefined,
    readingOf(sources.workloads, answer),
    readingOf(sources.migrations, answer),
    Promise.all((sources.furtherClusters ?? []).map((one) => furtherStatus(one, { answer, git: gitLimit }))),
  ]);
  const desired = desiredImages(valueOf(git)?.releases ?? [], valueOf(cluster) ?? []);
  const registry = await readingOf(
    () =>
      Promise.all(
        desired.map(async (image): Promise<ImagePresence> => ({
          service: image.service,
          present: await sources.hasImage(image),
        })),
      ),
    answer,
  );
  const readings: Readings = { source, ci, registry, ...(git && { git }), ...(argocd && { argocd }), cluster };
  const services = servicesOf(delivery, valueOf(git), valueOf(argocd), valueOf(cluster), valueOf(migrations));
  return {
    app,
    environment,
    delivery,
    takenAt: new Date().toISOString(),
    stages: stagesOf(readings, services),
    services,
    ...(further.length === 0
      ? {}
      : { clusters: [{ name: inClusterName, wave: 1, away: awayReason(cluster), services }, ...further] }),
    untested: sources.untested,
    problems: problemsOf(readings),
  };
}

async function furtherStatus(
  { name, wave, releases, applications, workloads }: FurtherClusterSources,
  limits: Required<StatusLimits>,
): Promise<ClusterStatus> {
  const [git, argocd, cluster] = await Promise.all([
    readingOf(releases, limits.git),
    readingOf(applications, limits.answer),
    readingOf(workloads, limits.answer),
  ]);
  const away = awayReason(cluster);
  const services = servicesOf("gitops", valueOf(git), valueOf(argocd), valueOf(cluster));
  if (away === null) return { name, wave, away, services };
  // What Argo CD knows of it is from before.
  const unknown = { state: "unknown", digest: null, health: null, message: null } as const;
  return { name, wave, away, services: services.map((service) => ({ ...service, ...unknown })) };
}

function awayReason(cluster: Reading<unknown>): string | null {
  return "reason" in cluster ? cluster.reason : null;
}

function valueOf<T>(reading: Reading<T> | undefined): T | undefined {
  return reading !== undefined && "value" in reading ? reading.value : undefined;
}

/** The images that are released; without release records, those that Deployments name by digest. */
function desiredImages(releases: DeployStatus["releases"], workloads: readonly WorkloadStatus[]): DesiredImage[] {
  if (releases.length > 0)
    return releases.flatMap(({ service, image }) => (image === null ? [] : [{ service, ...image }]));
  return workloads.flatMap(({ service, image }) => {
    const [repository = "", digest] = image.split("@");
    return digest === undefined ? [] : [{ service, repository, digest }];
  });
}

function servicesOf(
  delivery: "gitops" | "direct",
  deploy: DeployStatus | undefined,
  applications: readonly ApplicationStatus[] = [],
  workloads: readonly WorkloadStatus[] = [],
  migrations: readonly MigrationStatus[] = [],
): DeliveryStatus["services"] {
  const releases = deploy?.releases ?? [];
  const names = new Set([...releases, ...applications, ...workloads].map(({ service }) => service));
  const of = <T extends { service: string }>(all: readonly T[], service: string): T | undefined =>
    all.find((one) => one.service === service);
  return [...names].toSorted().map((service) =>
    serviceStatus({
      service,
      delivery,
      release: of(releases, service),
      application: of(applications, service),
      workload: of(workloads, service),
      migration: of(migrations, service),
    }),
  );
}

/** The readers of a real pipeline. */
export function statusSources(endpoints: StatusEndpoints): StatusSources {
  const { app, environment, delivery, deploy, registry, untested } = endpoints;
  return {
    app,
    environment,
    delivery,
    untested,
    source: () => readSource(endpoints.directory),
    ci: endpoints.otherCi ?? ((signal) => readCi(endpoints.ci, signal)),
    hasImage: async ({ repository, digest }) => (await registry.digest(repository, digest)) !== undefined,
    releases: async () => {
      if (deploy === undefined)
        throw new NotReachableError("the stack file names no deploy repository (gitops.repository)");
      return readReleases({ ...deploy, timeoutSeconds: gitSeconds }, environment);
    },
    applications: async (signal) => readApplications(endpoints.cluster(), endpoints, signal),
    migrations: async (signal) => readMigrationStatus(endpoints.cluster(), endpoints, signal),
    workloads: async (signal) => readWorkloads(endpoints.cluster(), endpoints, signal),
    furtherClusters: (endpoints.furtherClusters ?? []).map(({ name, wave, argoCdName, cluster }) => {
      const location = { ...endpoints, environment: argoCdName };
      return {
        name,
        wave,
        releases: async () => {
          if (deploy === undefined) throw new NotReachableError("the stack file names no deploy repository");
          return readReleases({ ...deploy, timeoutSeconds: gitSeconds }, waveDirectory(environment, wave));
        },
        applications: async (signal) => readApplications(endpoints.cluster(), location, signal),
        workloads: async (signal) => readWorkloads(cluster(), location, signal),
      };
    }),
  };
}

/** A single attempt with a short timeout: who asks for the status wants an answer soon. */
export const statusFetchLimits = { retries: 0, timeout: 5000 } as const;
/** Of a single command of Git. */
const gitSeconds = 10;
