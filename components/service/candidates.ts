import { existsSync, globSync, statSync } from "node:fs";
import { basename, join, posix } from "node:path";
import { serviceName } from "../../core/names.ts";
import type { Problem } from "../../core/problem.ts";
import type { CheckoutFiles } from "../../git/checkout-files.ts";
import type { LocatedPatch } from "./patches.ts";
import { isFile, readSettings, settingsFile } from "./service-files.ts";
import { completeSettings, mergeSettings, type ServiceSettings, type SettingsLayer } from "./service.ts";

/** Where services are, and what the stack file says of them. */
export interface CandidateArgs {
  app: {
    name: string;
    /** The root of the monorepo, relative to the program. */
    directory: string;
    /** The directories of the services below it, as a glob, e.g. `svc/*`. */
    services: string;
    /** The file in which a service says what it needs. @default service.yaml */
    serviceFile?: string | undefined;
  };
  /** The stack file, for messages. */
  file: string;
  /** Settings of every service; its own file and `overrides` win. */
  defaults: SettingsLayer;
  /** Settings of single services in this environment, by name. */
  overrides: Readonly<Record<string, SettingsLayer>>;
  /** What builds see: the directory of the service, or the whole monorepo. */
  images: { context: "service" | "app" };
}

/** Where a setting of a service really stands, for messages. */
export type SettingOrigin = (...path: readonly string[]) => string;

/** A service before what it says is checked against its files and the stack. */
export interface Candidate {
  /** Under which `services` of the stack file speaks of it. */
  readonly key: string;
  readonly name: string;
  /** Relative to the program, like the next ones. */
  readonly directory: string;
  readonly dockerfile: string;
  readonly context: string;
  readonly settings: ServiceSettings;
  /** Whether nothing is missing of what the settings begin to say. */
  readonly isWhole: boolean;
  /** Those of all layers: other than settings, they do not take each other's places. */
  readonly patches: readonly LocatedPatch[];
  readonly origin: SettingOrigin;
}

/**
 * The services that are found by `app.services`, and those whose Dockerfiles `services` of the stack file names. A Dockerfile
 * that is named there is that service's alone: the directory that it is in is no service of its own then, unless it is spoken
 * of, too.
 * @param files what Git has in the monorepo
 * @param problems what is wrong with the services' files is added
 */
export function findCandidates(
  args: CandidateArgs,
  files: CheckoutFiles | undefined,
  problems: Problem[],
): Candidate[] {
  const read = new Map<string, SettingsLayer>();
  const settingsIn = (directory: string): SettingsLayer => {
    const known = read.get(directory) ?? readSettings(directory, problems, args.app.serviceFile);
    read.set(directory, known);
    return known;
  };
  const matched = matchingDirectories(args.app, files).flatMap((directory) =>
    matchedService(directory, args, settingsIn, problems),
  );
  const keys = new Set(matched.map(({ key }) => key));
  const declared = Object.entries(args.overrides).flatMap(([key, { dockerfile, context }]) =>
    dockerfile === undefined || keys.has(key)
      ? []
      : [{ key, dockerfile, directory: join(args.app.directory, directoryOf(dockerfile, context)) }],
  );
  const claimed = new Set(declared.map(({ dockerfile }) => join(args.app.directory, dockerfile)));
  const kept = matched.filter(({ key, dockerfile }) => !claimed.has(dockerfile) || args.overrides[key] !== undefined);
  return [
    ...kept,
    ...declared.map(({ key, directory }) => {
      const owners = [...kept, ...declared].filter((other) => other.directory === directory);
      // What stands in the file of a directory with several services is not for each of them.
      const own = owners.length === 1 ? settingsIn(directory) : {};
      const file = settingsFile(directory, args.app.serviceFile);
      if (file !== undefined && kept.every((other) => other.directory !== directory) && owners.length > 1)
        problems.push({
          location: file,
          message: `is of several services, ${owners.map((owner) => owner.key).join(" and ")}; say it in \`services\` of ${args.file}, and remove the file`,
        });
      return candidate(key, directory, own, args, problems);
    }),
  ];
}

/** The folders of a pattern's matches, without what packages bring along and what Git ignores. */
export function matchingDirectories(
  { directory, services }: Pick<CandidateArgs["app"], "directory" | "services">,
  files: CheckoutFiles | undefined,
): string[] {
  const paths = globSync(services, { cwd: directory, exclude: (path) => isNeverSource(basename(path)) });
  return paths.filter((path) => files?.ignores(path) !== true).map((path) => join(directory, path));
}

/** Whether a folder's name says that nothing in it is a service: packages bring it along, or it is there for Git and editors. */
export function isNeverSource(name: string): boolean {
  return ["node_modules", ".git", ".devcontainer"].includes(name);
}

/** The service of a directory. One without a Dockerfile is none, but one with a `service.yaml` means to be one. */
function matchedService(
  directory: string,
  args: CandidateArgs,
  settingsIn: (directory: string) => SettingsLayer,
  problems: Problem[],
): Candidate[] {
  const file = settingsFile(directory, args.app.serviceFile);
  const hasDockerfile = existsSync(join(directory, "Dockerfile"));
  const isShared = args.defaults.dockerfile !== undefined && isDirectory(directory);
  if (!hasDockerfile && file === undefined && !isShared) return [];
  const own = settingsIn(directory);
  const found = candidate(own.name ?? serviceName(basename(directory)), directory, own, args, problems);
  if (found.settings.dockerfile !== undefined) return [found];
  if (hasDockerfile) return isFile(found.dockerfile, problems) ? [found] : [];
  if (file !== undefined)
    problems.push({
      location: file,
      message: "there is no Dockerfile beside it; add one, name another by `dockerfile`, or remove the file",
    });
  return [];
}

/**
 * @param own what the file in its directory says
 * @param problems what all layers together lack is added
 */
function candidate(
  key: string,
  directory: string,
  own: SettingsLayer,
  args: CandidateArgs,
  problems: Problem[],
): Candidate {
  const root = args.app.directory;
  // Later ones win.
  const layers = [
    { location: `${args.file}: defaults.`, settings: args.defaults },
    { location: `${settingsFile(directory, args.app.serviceFile) ?? directory}: `, settings: own },
    { location: `${args.file}: services.${key}.`, settings: args.overrides[key] ?? {} },
  ];
  const { settings, faults } = completeSettings(mergeSettings(...layers.map((layer) => layer.settings)));
  const ownerOf = (path: readonly string[]): string | undefined =>
    layers.findLast((layer) => has(layer.settings, path))?.location;
  for (const { path, message } of faults) {
    // What is missing belongs to what is there of it.
    const owner = path.map((_, index) => ownerOf(path.slice(0, path.length - index))).find((one) => one !== undefined);
    problems.push({ location: `${owner ?? `${directory}: `}${path.join(".")}`, message });
  }
  return {
    key,
    name: args.overrides[key]?.name ?? key,
    directory,
    dockerfile: settings.dockerfile === undefined ? join(directory, "Dockerfile") : join(root, settings.dockerfile),
    context:
      settings.context === undefined
        ? args.images.context === "app"
          ? root
          : directory
        : directoryPath(root, settings.context),
    settings,
    patches: layers.flatMap(({ location, settings: { patches = [] } }, layer) =>
      patches.map((patch, index) => ({ ...patch, location: `${location}patches.${index}`, shared: layer === 0 })),
    ),
    isWhole: faults.length === 0,
    origin: (...keys) => `${ownerOf(keys) ?? `${directory}: `}${keys.join(".")}`,
  };
}

/** Where the code of a service is, of which only the Dockerfile is known: beside that, or what its build sees elsewhere. */
function directoryOf(dockerfile: string, context: string = "."): string {
  const beside = posix.dirname(posix.normalize(dockerfile));
  const seen = posix.normalize(context).replace(/\/$/, "");
  return seen === "." || beside === seen || beside.startsWith(`${seen}/`) ? beside : seen;
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function directoryPath(root: string, path: string): string {
  return join(root, path).replace(/(.)\/$/, "$1");
}

function has(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return value !== undefined;
  return typeof value === "object" && value !== null && key in value && has(Reflect.get(value, key), rest);
}
