import { posix } from "node:path";
import { isMap } from "../../../kubernetes/json.ts";
import { revealMap, unknown, type PropertyMap, type PropertyValue } from "../property.ts";
import type { CheckFailure } from "../resource-provider.ts";

/** The credentials of a registry, or only its address. */
export interface RegistryAccess {
  server: string;
  username: string;
  password: string;
}

/** The arguments of `docker.Image` with their defaults; what is unknown at preview is `undefined`. */
export interface ImageInputs {
  imageName: string | undefined;
  skipPush: boolean | undefined;
  buildOnPreview: boolean | undefined;
  registry: RegistryAccess;
  /** Relative to the program's directory, or absolute. */
  context: string | undefined;
  /** As `context`. */
  dockerfile: string | undefined;
  /** Build arguments that are known. */
  args: Record<string, string>;
  cacheFrom: string[];
  /** As `host:address`. */
  addHosts: string[];
  network: string | undefined;
  target: string | undefined;
  platform: string | undefined;
}

/** The platform of this machine as images name it. */
export function hostPlatform(): string {
  const architectures: Record<string, string> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };
  return `linux/${architectures[process.arch] ?? process.arch}`;
}

/**
 * Reads a resource's inputs, secrets opened. Every fault becomes a failure with its property's path;
 * the result is complete, with a harmless value in place of each faulty one.
 */
export function readImageInputs(properties: PropertyMap): { inputs: ImageInputs; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const plain = revealMap(properties);
  const read = reader(failures);
  const build = read.map(plain, "build", "");
  const registry = read.map(plain, "registry", "");
  const context =
    build === undefined
      ? undefined
      : (read.text(build, "context", "build.") ?? (isUnknown(build["context"]) ? undefined : "."));
  const builder = build === undefined ? undefined : read.text(build, "builderVersion", "build.");
  if (builder === "BuilderV1") {
    failures.push({
      property: "build.builderVersion",
      reason:
        "the sandbox builds by BuildKit only: leave builderVersion out, or use the official plugin, which supports BuilderV1 too",
    });
  } else if (builder !== undefined && builder !== "BuilderBuildKit") {
    failures.push({ property: "build.builderVersion", reason: `"${builder}" is no builder: use BuilderBuildKit` });
  }
  const inputs: ImageInputs = {
    imageName: read.text(plain, "imageName", ""),
    skipPush: read.flag(plain, "skipPush"),
    buildOnPreview: read.flag(plain, "buildOnPreview"),
    registry: {
      server: (registry && read.text(registry, "server", "registry.")) ?? "",
      username: (registry && read.text(registry, "username", "registry.")) ?? "",
      password: (registry && read.text(registry, "password", "registry.")) ?? "",
    },
    context,
    dockerfile: build && (read.text(build, "dockerfile", "build.") ?? defaultDockerfile(build["dockerfile"], context)),
    args: build === undefined ? {} : read.texts(build, "args", "build."),
    cacheFrom: cacheImages(build, read, failures),
    addHosts: build === undefined ? [] : read.list(build, "addHosts", "build."),
    network: build && read.text(build, "network", "build."),
    target: build && read.text(build, "target", "build."),
    platform:
      build && (read.text(build, "platform", "build.") ?? (isUnknown(build["platform"]) ? undefined : hostPlatform())),
  };
  if (plain["imageName"] === undefined || plain["imageName"] === null) {
    failures.push({
      property: "imageName",
      reason: "it is missing: give the image a name such as docker.io/organization/name:tag",
    });
  }
  return { inputs, failures };
}

function defaultDockerfile(given: PropertyValue | undefined, context: string | undefined): string | undefined {
  return isUnknown(given) || context === undefined ? undefined : posix.join(context, "Dockerfile");
}

type Reader = ReturnType<typeof reader>;

function cacheImages(build: PropertyMap | undefined, read: Reader, failures: CheckFailure[]): string[] {
  const cacheFrom = build && read.map(build, "cacheFrom", "build.");
  if (build === undefined || cacheFrom === undefined || absent(build["cacheFrom"])) return [];
  if (cacheFrom["images"] === undefined)
    failures.push({ property: "build.cacheFrom", reason: "it has no images: list the images to take the cache from" });
  return read.list(cacheFrom, "images", "build.cacheFrom.");
}

/** Reads properties by their type; `undefined` for what is absent, unknown or faulty. */
function reader(failures: CheckFailure[]) {
  // The value itself may be a secret.
  const fail = (property: string, value: PropertyValue, needed: string): undefined => {
    const kind = Array.isArray(value) ? "list" : isMap(value) ? "map" : typeof value;
    failures.push({ property, reason: `it is a ${kind}: ${needed} is needed` });
  };
  const known = (map: PropertyMap, key: string): PropertyValue | undefined =>
    absent(map[key]) || isUnknown(map[key]) ? undefined : map[key];
  return {
    text(map: PropertyMap, key: string, prefix: string): string | undefined {
      const value = known(map, key);
      return value === undefined || typeof value === "string" ? value : fail(prefix + key, value, "a string");
    },
    /** Absent: `false`; `undefined` for unknown. */
    flag(map: PropertyMap, key: string): boolean | undefined {
      if (absent(map[key])) return false;
      const value = known(map, key);
      return value === undefined || typeof value === "boolean" ? value : fail(key, value, "true or false");
    },
    /** Absent: empty. */
    map(map: PropertyMap, key: string, prefix: string): PropertyMap | undefined {
      if (absent(map[key])) return {};
      const value = known(map, key);
      return value === undefined || isMap(value) ? value : fail(prefix + key, value, "a map");
    },
    list(map: PropertyMap, key: string, prefix: string): string[] {
      const value = known(map, key) ?? [];
      if (!Array.isArray(value)) return fail(prefix + key, value, "a list of strings") ?? [];
      return value.flatMap((item, index) => {
        if (typeof item === "string") return isUnknown(item) ? [] : [item];
        return fail(`${prefix}${key}[${index}]`, item, "a string") ?? [];
      });
    },
    texts(map: PropertyMap, key: string, prefix: string): Record<string, string> {
      const value = this.map(map, key, prefix) ?? {};
      return Object.fromEntries(
        Object.entries(value).flatMap(([name, item]) => {
          if (typeof item === "string") return isUnknown(item) ? [] : [[name, item]];
          return fail(`${prefix}${key}.${name}`, item, "a string") ?? [];
        }),
      );
    },
  };
}

function absent(value: PropertyValue | undefined): boolean {
  return value === undefined || value === null;
}

function isUnknown(value: PropertyValue | undefined): boolean {
  return value === unknown;
}
