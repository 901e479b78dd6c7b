import { hostPlatform } from "../providers/docker/image-inputs.ts";
import { kubeconfigVariable } from "../../core/names.ts";
import { isMap } from "../../core/yaml.ts";

type Settings = Readonly<Record<string, unknown>>;

export interface OverlayArgs {
  /** The settings of the monorepo, by key without the project's prefix: the user's, or what `delivery init` would write. */
  readonly own: Settings;
  /** Those of the sandbox's own stack file, likewise: it knows the stand-ins. */
  readonly sandbox: Settings;
  /** The root of the monorepo as the stack file is to have it, relative to the program. */
  readonly directory: string;
  /** The monorepo on GitHub, as owner/name. */
  readonly repository: string;
  /** Where CI gets this program from. */
  readonly program: string;
}

/**
 * A stack's settings, pointed at the sandbox's stand-ins. What describes the monorepo and its services is the user's; what
 * speaks of accounts, clusters and other environments is the sandbox's, or left out: promotions, ingress, schedules.
 */
export function overlaySettings(args: OverlayArgs): Record<string, unknown> {
  const { own, sandbox, directory, repository, program } = args;
  const [app, images, ci] = [mapOf(own["app"]), mapOf(own["images"]), mapOf(own["ci"])];
  const kept = (settings: Settings, keys: readonly string[]): Settings =>
    Object.fromEntries(Object.entries(settings).filter(([key]) => keys.includes(key)));
  const { tag: _, context: __, source: ___, ...registry } = mapOf(sandbox["images"]);
  const { program: ____, ...engine } = mapOf(sandbox["ci"]);
  return {
    schemaVersion: own["schemaVersion"],
    app: { ...kept(app, ["name", "services"]), directory },
    images: {
      ...registry,
      ...kept(images, ["organization", "context", "tag"]),
      source: "registry",
      platform: hostPlatform(),
    },
    ci: {
      ...engine,
      ...kept(ci, ["image"]),
      program: { repository: program },
      // Jobs wait for the migrations of services that have some.
      environment: { ...mapOf(engine["environment"]), [kubeconfigVariable]: "kubeconfig" },
    },
    cluster: { adoptExisting: true },
    github: { ...mapOf(sandbox["github"]), repository, branch: "main" },
    gitops: mapOf(sandbox["gitops"]),
    owns: { ciProject: true, argoCd: true },
    ...(isMap(own["dependencies"]) ? { dependencies: withoutVolumes(own["dependencies"]) } : {}),
    ...(isMap(own["defaults"]) ? { defaults: forThisMachine(own["defaults"]) } : {}),
    ...(isMap(own["services"]) ? { services: everyService(own["services"]) } : {}),
  };
}

/** No volumes are to be had here: what a database keeps goes with its pod. */
function withoutVolumes(dependencies: Settings): Settings {
  return Object.fromEntries(
    Object.entries(dependencies).map(([name, settings]) => {
      if (!isMap(settings) || !isMap(settings["storage"])) return [name, settings];
      const { storage, scratch, ...rest } = settings;
      return [name, { ...rest, scratch: [...(Array.isArray(scratch) ? scratch : []), mapOf(storage)["path"]] }];
    }),
  );
}

function everyService(services: Settings): Settings {
  return Object.fromEntries(
    Object.entries(services).map(([name, settings]) => [name, isMap(settings) ? forThisMachine(settings) : settings]),
  );
}

/**
 * Images are built for this machine alone: others' platforms would have to be emulated. No volumes are to be had here: what a
 * service keeps goes with its pod.
 */
function forThisMachine(given: Settings): Settings {
  const { platforms: _, volumes, scratch, ...settings } = given;
  const own = Object.values(mapOf(volumes)).map((volume) => ({
    path: mapOf(volume)["path"],
    size: mapOf(volume)["size"],
  }));
  const directories = [...(Array.isArray(scratch) ? scratch : []), ...own];
  return directories.length === 0 ? settings : { ...settings, scratch: directories };
}

function mapOf(value: unknown): Settings {
  return isMap(value) ? value : {};
}
