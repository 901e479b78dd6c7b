import type { PipelineService } from "./pipeline.ts";

/** The services that one job tests or builds. */
export interface Batch {
  /** The service's name, or a number where there are several. */
  readonly name: string;
  readonly services: readonly PipelineService[];
}

/**
 * Divides services among jobs.
 * @param size how many services a job may take: 1 as long as CircleCI takes so many jobs
 * @param together what services must have in common to share a job
 */
export function batches(
  services: readonly PipelineService[],
  size: number,
  together: (service: PipelineService) => string,
): Batch[] {
  if (size === 1) return services.map((service) => ({ name: service.name, services: [service] }));
  const parts = [...Map.groupBy(services, together).values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / size) }, (_, index) => group.slice(index * size, (index + 1) * size)),
  );
  return parts.map((part, index) => ({ name: `${index + 1}-of-${parts.length}`, services: part }));
}

/** How deep each service's image stands on others that are built, too: what is as deep as another is not made from it. */
export function imageDepths(services: readonly PipelineService[]): (service: PipelineService) => number {
  const byName = new Map(services.map((service) => [service.name, service]));
  const depths = new Map<string, number>();
  const depthOf = ({ name, bases = [] }: PipelineService): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    // Images that are made from each other are refused where they are built.
    depths.set(name, 0);
    const below = bases.flatMap((base) => byName.get(base) ?? []).map(depthOf);
    const depth = below.length === 0 ? 0 : Math.max(...below) + 1;
    depths.set(name, depth);
    return depth;
  };
  return depthOf;
}

/** What the batch is called as an argument of the delivery CLI, after its first `--service`. */
export function serviceArguments({ services }: Batch): string {
  return services.map(({ name }) => name).join(" --service ");
}

/** The job of each service. */
export function jobOf(kind: "build" | "test" | "prepare", all: readonly Batch[]): ReadonlyMap<string, string> {
  return new Map(all.flatMap(({ name, services }) => services.map((service) => [service.name, `${kind}-${name}`])));
}

/** The jobs of another kind that the services of a batch have. */
export function jobsOf({ services }: Batch, jobs: ReadonlyMap<string, string>): string[] {
  return [...new Set(services.flatMap(({ name }) => jobs.get(name) ?? []))];
}
