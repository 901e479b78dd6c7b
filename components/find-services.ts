import { existsSync, globSync } from "node:fs";
import { basename, join } from "node:path";
import { imageRepository, nameProblem, serviceName } from "../core/names.ts";
import type { Problem } from "../core/problem.ts";
import { checkoutFiles } from "../git/checkout-files.ts";
import { peerProblems } from "./peers.ts";
import { contradictingResources } from "./resources.ts";
import { isService, readExposedPort, readSettings, renamedSettings, settingsFile } from "./service-files.ts";
import { mergeSettings, type Service, type ServiceSettings } from "./service.ts";

export interface DiscoveryArgs {
  app: {
    name: string;
    /** The root of the monorepo, relative to the program. */
    directory: string;
    /** The directories of the services below it, as a glob, e.g. `svc/*`. */
    services: string;
  };
  /** The stack file, for messages. */
  file: string;
  /** Settings of every service; its own file and `overrides` win. */
  defaults: ServiceSettings;
  /** Settings of single services in this environment, by name. */
  overrides: Readonly<Record<string, ServiceSettings>>;
  /** The databases and caches that the stack declares. */
  dependencies: ReadonlySet<string>;
  /** The names of the stack's secrets. @default not checked: commands that need no secret do without them */
  secrets?: ReadonlySet<string>;
  images: { registry: string; organization: string };
}

/** What was found, and all that is wrong with it. */
export interface FoundServices {
  /** Sorted by name; not to be used if there are problems. */
  services: Service[];
  problems: Problem[];
}

/** Finds the services: every directory below `services` that has a Dockerfile, refined by its `service.yaml`. */
export function findServices(args: DiscoveryArgs): FoundServices {
  const { directory, services: pattern } = args.app;
  if (!existsSync(directory)) {
    const message = `${JSON.stringify(directory)} does not exist; name the root of the monorepo, relative to the program`;
    return { services: [], problems: [{ location: `${args.file}: app.directory`, message }] };
  }
  const problems: Problem[] = [];
  const read = matchingDirectories(args.app)
    .filter((path) => isService(path, problems))
    .map((path) => readService(path, args, problems));
  const services = read.map(({ service }) => service).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const origins = new Map(read.map(({ service, origin }) => [service, origin]));
  if (services.length === 0 && problems.length === 0) {
    problems.push({
      location: `${args.file}: app.services`,
      message: `${JSON.stringify(pattern)} matches no directory with a Dockerfile below ${directory}; correct the pattern or add a Dockerfile`,
    });
  }
  problems.push(
    ...nameProblems(services, args),
    ...overrideProblems(services, args),
    ...peerProblems(services, (service) => origins.get(service)?.("peers") ?? service.directory),
  );
  return { services, problems };
}

/** The keys in the files of all services that have another name by now; nothing else in these files is looked at. */
export function renamedServiceSettings(app: Pick<DiscoveryArgs["app"], "directory" | "services">): Problem[] {
  return matchingDirectories(app).toSorted().flatMap(renamedSettings);
}

/**
 * The Dockerfiles that belong to no service, as a sentence for people; `undefined`: there are none, or no Git that knows them.
 * A pattern that misses a service would otherwise go unnoticed.
 */
export function unclaimedDockerfiles(
  { directory, services: pattern }: Pick<DiscoveryArgs["app"], "directory" | "services">,
  services: readonly Service[],
): string | undefined {
  const paths = checkoutFiles(directory)?.named("Dockerfile") ?? [];
  const unclaimed = paths
    .map((path) => join(directory, path))
    .filter((path) => !path.split("/").some(isNeverSource))
    .filter((path) => services.every((service) => !path.startsWith(`${service.directory}/`)));
  if (unclaimed.length === 0) return undefined;
  const shown = unclaimed.length > shownAtMost ? [...unclaimed.slice(0, shownAtMost), "…"] : unclaimed;
  return `no service has ${shown.join(", ")}: app.services is ${JSON.stringify(pattern)}`;
}

const shownAtMost = 10;

/** The folders of a pattern's matches, without what packages bring along and what Git ignores. */
function matchingDirectories({ directory, services }: Pick<DiscoveryArgs["app"], "directory" | "services">): string[] {
  const paths = globSync(services, { cwd: directory, exclude: (path) => isNeverSource(basename(path)) });
  const files = checkoutFiles(directory);
  return paths.filter((path) => files?.ignores(path) !== true).map((path) => join(directory, path));
}

/** Whether a folder's name says that nothing in it is this repository's own. */
function isNeverSource(name: string): boolean {
  return name === "node_modules" || name === ".git";
}

/** Where a setting of a service really stands, for messages. */
type SettingOrigin = (...path: readonly string[]) => string;

function readService(
  path: string,
  args: DiscoveryArgs,
  problems: Problem[],
): { service: Service; origin: SettingOrigin } {
  const name = serviceName(basename(path));
  // Later ones win.
  const layers = [
    { location: `${args.file}: defaults.`, settings: args.defaults },
    { location: `${settingsFile(path) ?? path}: `, settings: readSettings(path, problems) },
    { location: `${args.file}: services.${name}.`, settings: args.overrides[name] ?? {} },
  ];
  const origin: SettingOrigin = (...keys) =>
    `${layers.findLast(({ settings }) => has(settings, keys))?.location ?? `${path}: `}${keys.join(".")}`;
  const settings = mergeSettings(...layers.map((layer) => layer.settings));
  const port = settings.port ?? readExposedPort(path, problems) ?? 0;
  for (const resource of contradictingResources(settings.resources ?? {})) {
    const { requests, limits } = settings.resources ?? {};
    problems.push({
      location: origin("resources", "requests", resource),
      message: `${requests?.[resource]} is above the limit of ${limits?.[resource]} (${origin("resources", "limits", resource)}); such a pod is refused: lower one, or raise the other`,
    });
  }
  for (const [variable, secret] of Object.entries(settings.secrets ?? {})) {
    if (args.secrets?.has(secret) === false) {
      problems.push({
        location: origin("secrets", variable),
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
  return { service: { ...settings, name, directory: path, port }, origin };
}

function has(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return value !== undefined;
  return typeof value === "object" && value !== null && key in value && has(Reflect.get(value, key), rest);
}

function nameProblems(services: readonly Service[], args: DiscoveryArgs): Problem[] {
  return services.flatMap(({ name, directory }, index) => {
    const invalid = nameProblem(name);
    if (invalid !== undefined)
      return [{ location: directory, message: `its name ${JSON.stringify(name)} ${invalid}; rename the directory` }];
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

function overrideProblems(services: readonly Service[], args: DiscoveryArgs): Problem[] {
  const names = new Set(services.map(({ name }) => name));
  return Object.keys(args.overrides)
    .filter((name) => !names.has(name))
    .map((name) => ({
      location: `${args.file}: services.${name}`,
      message: `there is no such service; there are ${[...names].join(", ") || "none"}`,
    }));
}
