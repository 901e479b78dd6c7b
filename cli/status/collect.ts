import type { ApplicationFacts, DeploymentFacts } from "./cluster-facts.ts";
import type { DeliveryStatus, Stage } from "./model.ts";
import { readingOf, type Reading } from "./reading.ts";
import type { DeployFacts } from "./release-facts.ts";
import { serviceStatus } from "./service-status.ts";
import type { SourceFacts } from "./source-facts.ts";
import { problemsOf, stagesOf, type ImageFacts, type Readings } from "./stages.ts";

/** An image that the registry is asked for. */
export interface WantedImage {
  readonly service: string;
  readonly repository: string;
  readonly digest: string;
}

type Ask<T> = (signal: AbortSignal) => Promise<T>;

/** How to ask each part of the pipeline. Each may throw, and is given up after its time. */
export interface StatusSources {
  readonly app: string;
  readonly environment: string;
  readonly delivery: "gitops" | "direct";
  readonly source: Ask<SourceFacts>;
  readonly ci: Ask<Pick<Stage, "state" | "summary">>;
  readonly hasImage: (image: WantedImage) => Promise<boolean>;
  readonly releases: Ask<DeployFacts>;
  readonly applications: Ask<readonly ApplicationFacts[]>;
  readonly deployments: Ask<readonly DeploymentFacts[]>;
}

/** How long each part may take, in milliseconds. */
export interface StatusLimits {
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
  const [source, ci, git, argocd, cluster] = await Promise.all([
    readingOf(sources.source, answer),
    readingOf(sources.ci, answer),
    gitops ? readingOf(sources.releases, gitLimit) : undefined,
    gitops ? readingOf(sources.applications, answer) : undefined,
    readingOf(sources.deployments, answer),
  ]);
  const wanted = wantedImages(factsOf(git)?.releases ?? [], factsOf(cluster) ?? []);
  const registry = await readingOf(
    () =>
      Promise.all(
        wanted.map(async (image): Promise<ImageFacts> => ({
          service: image.service,
          present: await sources.hasImage(image),
        })),
      ),
    answer,
  );
  const readings: Readings = { source, ci, registry, ...(git && { git }), ...(argocd && { argocd }), cluster };
  const services = servicesOf(delivery, factsOf(git), factsOf(argocd), factsOf(cluster));
  return {
    app,
    environment,
    delivery,
    takenAt: new Date().toISOString(),
    stages: stagesOf(readings, services),
    services,
    problems: problemsOf(readings),
  };
}

function factsOf<T>(reading: Reading<T> | undefined): T | undefined {
  return reading !== undefined && "facts" in reading ? reading.facts : undefined;
}

/** What is released; without release records, what the cluster is told to run by digest. */
function wantedImages(releases: DeployFacts["releases"], deployments: readonly DeploymentFacts[]): WantedImage[] {
  if (releases.length > 0)
    return releases.flatMap(({ service, image }) => (image === null ? [] : [{ service, ...image }]));
  return deployments.flatMap(({ service, image }) => {
    const [repository = "", digest] = image.split("@");
    return digest === undefined ? [] : [{ service, repository, digest }];
  });
}

function servicesOf(
  delivery: "gitops" | "direct",
  deploy: DeployFacts | undefined,
  applications: readonly ApplicationFacts[] = [],
  deployments: readonly DeploymentFacts[] = [],
): DeliveryStatus["services"] {
  const releases = deploy?.releases ?? [];
  const names = new Set([...releases, ...applications, ...deployments].map(({ service }) => service));
  const of = <T extends { service: string }>(facts: readonly T[], service: string): T | undefined =>
    facts.find((fact) => fact.service === service);
  return [...names].toSorted().map((service) =>
    serviceStatus({
      service,
      delivery,
      release: of(releases, service),
      application: of(applications, service),
      deployment: of(deployments, service),
    }),
  );
}
