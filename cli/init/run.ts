/** How a container is run, as a file for Docker Compose or for Kubernetes says. Paths are from the root of the monorepo. */
export interface Run {
  readonly name: string;
  /** Other hosts by which it is found. */
  readonly aliases: readonly string[];
  /** The file that says so. */
  readonly file: string;
  readonly isCompose: boolean;
  readonly image: string | undefined;
  readonly build: RunBuild | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Variables whose values are in a Secret of Kubernetes, or with whoever starts Compose. */
  readonly secretVariables: readonly string[];
  readonly dependsOn: readonly string[];
  /** Those of them that must have come to an end, and succeeded, before it starts. */
  readonly waitsFor: readonly string[];
  /** Those that it listens on. */
  readonly ports: readonly number[];
  /** Where it has files that are not of its image, and stay. */
  readonly mounts: readonly string[];
  /** What it runs in place of the image's ENTRYPOINT, and of its CMD; `undefined`: the image's own. */
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  /** `always`: it is to stay; `once`: it comes to an end; `asked`: nobody starts it unless asked. */
  readonly runs: "always" | "once" | "asked";
  /** When it is started; `undefined`: with all others. */
  readonly schedule: Schedule | undefined;
}

export interface RunBuild {
  readonly dockerfile: string;
  readonly context: string;
  readonly target: string | undefined;
  readonly args: Readonly<Record<string, string>>;
  /** Why that is taken for it. @default a file says it */
  readonly because?: string;
}

/** What a CronJob says of its times. */
export interface Schedule {
  readonly schedule: string;
  readonly timeZone: string | undefined;
  readonly concurrency: string | undefined;
}

/** Those of pods are called after the pod, too, by what is no name of a host. */
export function isInitContainer({ name }: Pick<Run, "name">): boolean {
  return name.includes("/");
}

/** A container of one name and image is one, however many files speak of it. */
export function mergeRuns(runs: readonly Run[]): Run[] {
  const byName = new Map<string, Run>();
  for (const run of runs) {
    const known = byName.get(run.name);
    if (known === undefined) byName.set(run.name, run);
    else if (known.isCompose || !run.isCompose)
      byName.set(run.name, { ...completed(known, run), schedule: known.schedule ?? run.schedule });
  }
  return [...byName.values()];
}

/** The members of both, each once. */
export function union<T>(some: readonly T[], more: readonly T[]): readonly T[] {
  return [...new Set([...some, ...more])];
}

/** What a run does not say itself is as its base says. What is its own comes first. */
export function completed(run: Run, base: Run): Run {
  return {
    ...run,
    image: run.image ?? base.image,
    build: run.build ?? base.build,
    environment: { ...base.environment, ...run.environment },
    secretVariables: union(run.secretVariables, base.secretVariables),
    dependsOn: union(run.dependsOn, base.dependsOn),
    waitsFor: union(run.waitsFor, base.waitsFor),
    ports: union(run.ports, base.ports),
    mounts: union(run.mounts, base.mounts),
    command: run.command ?? base.command,
    args: run.args ?? base.args,
  };
}
