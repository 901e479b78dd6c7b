import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { imageRepository, nameProblem } from "../../core/names.ts";
import { problemLine, type Problem } from "../../core/problem.ts";
import { checkoutFiles, keptFiles } from "../../git/checkout-files.ts";
import {
  findCandidates,
  isDirectory,
  isNeverSource,
  matchingDirectories,
  type Candidate,
  type CandidateArgs,
} from "./candidates.ts";
import { stoppingProblems } from "./container.ts";
import { isDockerfileName } from "../dockerfile/dockerfile.ts";
import { readFiles } from "./files.ts";
import { buildProblems, clashingBuildSecrets, takenBuild, unusedBuildSecrets } from "./build-problems.ts";
import { readImageSource, unusedArguments } from "./image-source.ts";
import { mountProblems, scratchDirectories } from "./mounts.ts";
import { migrationProblems } from "./migrations.ts";
import { readOwnManifests } from "./own-manifests.ts";
import { hostConflicts, type WayIn } from "./host-conflicts.ts";
import { kindProblems, unusedKindSettings } from "./kind-problems.ts";
import { peerProblems } from "./peers.ts";
import { contradictingResources } from "./resources.ts";
import { newPodsServiceProblems, rolloutProblems } from "./rollout-problems.ts";
import { renamedSettings, settingsFile } from "./service-files.ts";
import type { Service } from "./service.ts";
import { variableProblems } from "./variable-problems.ts";
import { ownCommandProblems, verificationProblems } from "./verification.ts";
import type { EnvironmentVerify } from "./verify-settings.ts";
import { claimProblems, volumeProblems } from "./volume-problems.ts";

export interface DiscoveryArgs extends CandidateArgs {
  /** The databases and caches that the stack declares. */
  dependencies: ReadonlySet<string>;
  /** Those of them that this environment has none of. @default it has all */
  absent?: ReadonlySet<string>;
  /** By what services are reached from outside. @default hosts of their own alone are compared */
  cluster?: WayIn;
  /** The names of the stack's secrets. @default not checked: commands that need no secret do without them */
  secrets?: ReadonlySet<string>;
  /** Those that no service may have, and the key of the stack file that gives each to the pipeline. @default not checked */
  pipelineSecrets?: ReadonlyMap<string, string>;
  images: CandidateArgs["images"] & { registry: string; organization: string };
  /** Why services can have no migrations in this environment. @default they can */
  noMigrations?: string | undefined;
  /** What images have to prove in this environment, and why they cannot. @default not checked: nothing is released */
  verification?: { environment: EnvironmentVerify | undefined; refusal: string | undefined };
  /** Why services can have no `rollout` in this environment. @default they can */
  noRollouts?: string | undefined;
  /** Why none of them can have a router. @default they can */
  noRouter?: string | undefined;
  /** Whether the program builds the images, which runs no commands of services. @default false: CI builds them */
  programBuilds?: boolean;
  /** Whether CI builds the images for this environment. @default false */
  ciBuilds?: boolean;
}

/** What was found, and all that is wrong with it. */
export interface FoundServices {
  /** Sorted by name; not to be used if there are problems. */
  services: Service[];
  problems: Problem[];
}

/**
 * Finds the services: every directory that `app.services` means and that has a Dockerfile, and every Dockerfile that
 * `services` of the stack file names; each refined by its `service.yaml`.
 */
export function findServices(args: DiscoveryArgs): FoundServices {
  const { directory, services: pattern } = args.app;
  if (!isDirectory(directory)) {
    const message = `${JSON.stringify(directory)} ${existsSync(directory) ? "is no directory" : "does not exist"}; name the root of the monorepo, relative to the program`;
    return { services: [], problems: [{ location: `${args.file}: app.directory`, message }] };
  }
  const problems: Problem[] = [];
  const files = checkoutFiles(directory);
  const found = findCandidates(args, files, problems);
  const isIgnored = (path: string): boolean => files?.ignores(path) === true;
  const read = found.map((candidate) => {
    // Where something is missing already, everything else would be said of what is left.
    const own: Problem[] = [];
    const service = readService(candidate, args, isIgnored, own);
    if (candidate.isWhole) problems.push(...own);
    return { candidate, service };
  });
  const services = read.map(({ service }) => service).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const origins = new Map(read.map(({ service, candidate }) => [service, candidate.origin]));
  if (services.length === 0 && problems.length === 0) {
    problems.push({
      location: `${args.file}: app.services`,
      message: `${JSON.stringify(pattern)} matches no directory with a Dockerfile below ${directory}; correct the pattern, add a Dockerfile, or name one by \`services.NAME.dockerfile\``,
    });
  }
  problems.push(
    ...unusedServiceFile(found, args),
    ...nameProblems(services, args),
    ...overrideProblems(found, args),
    ...unusedArguments(found, args),
    ...claimProblems(read, args.dependencies),
    ...newPodsServiceProblems(read, args.dependencies),
    ...unusedBuildSecrets(found, args),
    ...clashingBuildSecrets(services, args.file),
    ...unusedKindSettings(found, args),
    ...hostConflicts(services, args.cluster ?? {}, (service) => origins.get(service)?.("expose") ?? service.directory),
    ...peerProblems(services, (service) => origins.get(service)?.("peers") ?? service.directory),
    ...migrationProblems(services, {
      refusal: args.noMigrations,
      originOf: (service) => origins.get(service)?.("migrations") ?? service.directory,
    }),
    ...(args.verification === undefined ? [] : verificationProblems(services, { ...args, ...args.verification })),
  );
  return { services, problems: distinct(problems) };
}

/** What a default has wrong is wrong for many services, and said once. */
function distinct(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [problemLine(problem), problem])).values()];
}

/** The keys in the files of all services that have another name by now; nothing else in these files is looked at. */
export function renamedServiceSettings(
  app: Pick<DiscoveryArgs["app"], "directory" | "services" | "serviceFile">,
): Problem[] {
  const directories = matchingDirectories(app, checkoutFiles(app.directory)).toSorted();
  return directories.flatMap((directory) => renamedSettings(directory, app.serviceFile));
}

/**
 * The Dockerfiles that belong to no service, as a sentence for people; `undefined`: there are none, or no Git that knows them.
 * A pattern that misses a service would otherwise go unnoticed.
 */
export function unclaimedDockerfiles(
  { app, file }: { app: Pick<DiscoveryArgs["app"], "directory" | "services">; file: string },
  services: readonly Pick<Service, "directory" | "dockerfile">[],
): string | undefined {
  const used = new Set(services.map(({ dockerfile }) => dockerfile));
  const unclaimed = keptFiles(app.directory)
    .filter((path) => isDockerfileName(basename(path)) && !path.split("/").some(isNeverSource))
    .map((path) => join(app.directory, path))
    .filter((path) => !used.has(path))
    .filter((path) => services.every((service) => !path.startsWith(`${service.directory}/`)));
  if (unclaimed.length === 0) return undefined;
  const shown = unclaimed.length > shownAtMost ? [...unclaimed.slice(0, shownAtMost), "…"] : unclaimed;
  return `no service has ${shown.join(", ")}: app.services of ${file} is ${JSON.stringify(app.services)}`;
}

const shownAtMost = 10;

function readService(
  candidate: Candidate,
  args: DiscoveryArgs,
  isIgnored: (path: string) => boolean,
  problems: Problem[],
): Service {
  const { name, directory, settings, patches, dockerfile, context, origin } = candidate;
  const source = { root: args.app.directory, isIgnored, problems };
  const { listening, buildArgs } = readImageSource(candidate, source);
  problems.push(...kindProblems(candidate), ...volumeProblems(candidate));
  problems.push(
    ...rolloutProblems(candidate, { refusal: args.noRollouts, routerRefusal: args.noRouter, listening }),
    ...ownCommandProblems(candidate, args.file),
  );
  problems.push(...variableProblems(candidate, args.absent ?? new Set()));
  for (const resource of contradictingResources(settings.resources ?? {})) {
    const { requests, limits } = settings.resources ?? {};
    problems.push({
      location: origin("resources", "requests", resource),
      message: `${requests?.[resource]} is above the limit of ${limits?.[resource]} (${origin("resources", "limits", resource)}); such a pod is refused: lower one, or raise the other`,
    });
  }
  problems.push(...buildProblems(candidate, args));
  const { files: fileSettings = {} } = settings;
  const named = [
    ...Object.entries(settings.secrets ?? {}).map(([variable, secret]) => [["secrets", variable], secret] as const),
    ...Object.entries(fileSettings).map(([path, { secret }]) => [["files", path, "secret"], secret] as const),
    ...Object.entries(settings.build?.secrets ?? {}).map(([id, secret]) => [["build", "secrets", id], secret] as const),
  ];
  for (const [path, secret] of named) {
    const holder = args.pipelineSecrets?.get(secret ?? "");
    if (holder !== undefined)
      problems.push({
        location: origin(...path),
        message: `${JSON.stringify(secret)} is what the pipeline itself logs in or signs with (${holder} of ${args.file}), and whoever has it is the pipeline; give ${name} a secret of its own`,
      });
  }
  for (const [path, secret] of named.filter(([[key]]) => key !== "build")) {
    if (secret !== undefined && args.secrets?.has(secret) === false) {
      problems.push({
        location: origin(...path),
        message: `the stack has no secret ${JSON.stringify(secret)}; set it with \`pulumi config set --secret --path 'secrets.${secret}'\``,
      });
    }
  }
  for (const dependency of Object.keys(settings.dependencies ?? {})) {
    if (!args.dependencies.has(dependency)) {
      problems.push({
        location: origin("dependencies", dependency),
        message: `${args.file} says nothing of it; add it to \`dependencies\` there, with an image, an address, or none`,
      });
    }
  }
  problems.push(
    ...stoppingProblems(settings, origin),
    ...mountProblems([
      ...scratchDirectories(settings).map(({ path }) => ({ path, isFile: false, location: origin("scratch") })),
      ...Object.keys(fileSettings).map((path) => ({ path, isFile: true, location: origin("files", path) })),
      ...Object.entries(settings.volumes ?? {}).map(([volume, { path }]) => ({
        path,
        isFile: false,
        location: origin("volumes", volume, "path"),
      })),
    ]),
  );
  const mountedFiles = readFiles(fileSettings, { ...source, directory, origin });
  const given = {
    ...(Object.keys(buildArgs).length === 0 ? {} : { buildArgs }),
    ...(Object.keys(fileSettings).length === 0 ? {} : { mountedFiles }),
  };
  const brought =
    settings.manifests === undefined
      ? {}
      : { ownObjects: readOwnManifests(settings.manifests, { ...source, origin }, problems) };
  const changed = patches.length === 0 ? {} : { allPatches: patches };
  const { buildArgs: _args, ports: _ports, build, ...rest } = settings;
  const built = build === undefined ? {} : { build: takenBuild(candidate, build) };
  return { ...rest, ...built, ...given, ...brought, ...changed, name, directory, ...listening, dockerfile, context };
}

/** A name that no file has is most likely misspelled. */
function unusedServiceFile(found: readonly Candidate[], { app, file }: DiscoveryArgs): Problem[] {
  const { serviceFile: name } = app;
  if (name === undefined || found.some(({ directory }) => settingsFile(directory, name) !== undefined)) return [];
  return [
    {
      location: `${file}: app.serviceFile`,
      message: `${JSON.stringify(name)}: no service has such a file beside its Dockerfile; correct the name, or remove it`,
    },
  ];
}

function nameProblems(services: readonly Service[], args: DiscoveryArgs): Problem[] {
  return services.flatMap(({ name, directory }, index) => {
    const invalid = nameProblem(name);
    if (invalid !== undefined)
      return [
        {
          location: directory,
          message: `its name ${JSON.stringify(name)} ${invalid}; rename the directory, or set \`name\` in its service.yaml`,
        },
      ];
    const repository = imageRepository(args.images, args.app.name, name);
    if (repository.length > 255)
      return [
        {
          location: directory,
          message: `its image ${repository} has ${repository.length} characters; registries take at most 255`,
        },
      ];
    if (args.dependencies.has(name))
      return [
        {
          location: `${args.file}: dependencies.${name}`,
          message: `a service has that name too (${directory}); rename one of them`,
        },
      ];
    const twin = services.slice(0, index).find((other) => other.name === name);
    return twin
      ? [
          {
            location: directory,
            message: `is named ${JSON.stringify(name)} like ${twin.directory}; rename one of them`,
          },
        ]
      : [];
  });
}

function overrideProblems(found: readonly Candidate[], args: DiscoveryArgs): Problem[] {
  const keys = new Set(found.map(({ key }) => key));
  return Object.keys(args.overrides)
    .filter((key) => !keys.has(key))
    .map((key) => ({
      location: `${args.file}: services.${key}`,
      message: `there is no such service; there are ${[...keys].toSorted().join(", ") || "none"}; one that app.services does not find says its \`dockerfile\` here`,
    }));
}
