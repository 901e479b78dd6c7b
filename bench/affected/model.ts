/** A library or a service of a generated repository: what has a directory and depends on libraries. */
export interface Unit {
  readonly kind: "library" | "service";
  readonly name: string;
  readonly directory: string;
  /** The names of libraries. */
  readonly dependencies: ReadonlySet<string>;
  /** The names of its sources, beyond its main one. */
  readonly sources: readonly string[];
  /** Files of `shared/` that its code reads while it is built, or runs. */
  readonly shares: readonly string[];
  /** The style of its Dockerfile, if it is a service. */
  readonly style: string;
}

/** How often each file was edited, by its path. */
export type Versions = (path: string) => number;

/** What a language needs to write the files of a unit. */
export interface UnitFiles {
  readonly unit: Unit;
  /** The libraries that it depends on. */
  readonly libraries: readonly Unit[];
  /** How often a file in its directory was edited. */
  readonly version: Versions;
}

/** What the Dockerfile of a service does, as its generator knows. */
export interface ImageRecipe {
  readonly dockerfile: string;
  /** The ignore file of its build. @default there is none */
  readonly ignore?: string;
  /** Whether that leaves a file out. */
  readonly hides?: (path: string) => boolean;
  /** The directories and files that it copies from the context; empty text: all of it. */
  readonly copies: readonly string[];
  /** Whether the image has what it copies, and not only what is compiled of it. */
  readonly keeps: boolean;
  /** Whether its commands read all that is copied, such as every module that is there. */
  readonly readsAll?: boolean;
  /** Further files that its commands read, and units that they build. */
  readonly reads?: readonly string[];
  readonly builds?: readonly string[];
}

/** One way in which Dockerfiles of a language are written. */
interface Style {
  readonly name: string;
  /** How often it is chosen. */
  readonly weight: number;
  /** @param needed the service and all libraries that it depends on, directly or not @param all of the repository */
  readonly recipe: (service: Unit, needed: readonly Unit[], all: readonly Unit[]) => ImageRecipe;
}

/** How repositories of a language are written. */
export interface Language {
  readonly name: string;
  readonly libraries: string;
  readonly styles: readonly Style[];
  /** Whether its code can read files of `shared/`. */
  readonly shares: boolean;
  /** The files of a unit, by paths in its directory. */
  readonly unitFiles: (unit: UnitFiles) => Readonly<Record<string, string>>;
  /** The files at the root that say what is built. */
  readonly rootFiles: (units: readonly Unit[], version: Versions) => Readonly<Record<string, string>>;
  /** Whether a build of a unit reads a file in its directory. */
  readonly compiles: (path: string) => boolean;
  /** Whether every build reads a file that is in no unit. */
  readonly isCommon: (path: string) => boolean;
}

/** The libraries that a unit depends on, directly or not, after the unit itself. */
export function closureOf(unit: Unit, units: ReadonlyMap<string, Unit>): Unit[] {
  const found = new Set([unit]);
  // Iterating over a Set also visits what is added meanwhile.
  for (const { dependencies } of found)
    for (const name of dependencies) {
      const library = units.get(name);
      if (library !== undefined) found.add(library);
    }
  return [...found];
}

/** Lines of a text file. */
export function lines(...all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}

/** The last stage of a Dockerfile that takes what a stage before it, `build`, has made. */
export const handOver = (name: string, path: string): string[] => [
  "FROM debian:stable-slim",
  `COPY --from=build ${path} /${name}`,
  `CMD ["/${name}"]`,
];

export const directoriesOf = (units: readonly Unit[]): string[] => units.map(({ directory }) => directory);
