import { accessSync, constants } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { outputOf, ProcessError } from "../../core/process.ts";
import { CommandError } from "../command.ts";
import { locateImages } from "../../core/image-name.ts";

/** One image that is to be built. */
export interface ImageBuild {
  readonly service: string;
  /** Without tag or digest, e.g. `docker.io/acme/shop-link`. */
  readonly repository: string;
  readonly tags: readonly string[];
  /** The build context and the Dockerfile, as absolute paths. */
  readonly context: string;
  readonly dockerfile: string;
  /** The stage that is the image. @default the last one */
  readonly target?: string;
  /** What the Dockerfile declares by ARG → what it stands for. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** For example `linux/amd64`; of several, the image is an index. */
  readonly platforms: readonly string[];
  /** The id of a secret that a step mounts → the environment variable of the builder that has it. @default none */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Images that its Dockerfile begins with or copies from → what is taken for them, by digest. @default what they name */
  readonly bases?: Readonly<Record<string, string>>;
  /** Whether the image goes to the registry. */
  readonly push: boolean;
  /** Whether a pushed image leaves its layers for later builds: not that of a branch or pull request. @default it does */
  readonly keepsLayers?: boolean;
}

/** The process that makes an image. */
export interface BuilderCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** A client of BuildKit. Its progress is plain text on standard error. */
export interface Builder {
  /** The daemon that it talks to, for messages. */
  readonly daemon: string;
  /** @param metadataFile where it writes the digest of a pushed image */
  command(build: ImageBuild, metadataFile: string): BuilderCommand;
}

/** Where the layers of earlier builds are kept: in the repository of the image, which needs no further login. */
function cacheReference(repository: string): string {
  return `${repository}:buildcache`;
}

/** All stages are kept, in the only form that every registry takes; an image is worth more than its cache. */
const cacheExport = { mode: "max", "image-manifest": "true", "oci-mediatypes": "true", "ignore-error": "true" };

/** Docker speaks plain HTTP with registries on this machine; BuildKit does so only when asked. */
function insecure(repository: string): Record<string, string> {
  return locateImages(repository).url.startsWith("http:") ? { "registry.insecure": "true" } : {};
}

/** A line of comma-separated values, as BuildKit's clients read them. */
function fields(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(",");
}

/**
 * What stands for an image in a Dockerfile, under the name by which BuildKit looks it up: without Docker Hub's own parts.
 * Source: https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
 */
function namedContexts({ bases = {} }: ImageBuild): string[] {
  return Object.entries(bases).map(([image, reference]) => {
    const name = image.replace(/^(index\.)?docker\.io\/(library\/)?/, "").replace(/:latest$/, "");
    return `${name}=docker-image://${reference}`;
  });
}

/** Each as `NAME=value`. */
function argumentsOf({ buildArgs = {} }: ImageBuild): string[] {
  return Object.entries(buildArgs).map(([name, value]) => `${name}=${value}`);
}

/** The values stay in the environment of the client: an argument is there for everyone to see. */
function secretArguments({ secrets = {} }: ImageBuild): string[] {
  return Object.entries(secrets).map(([id, variable]) => `--secret=${fields({ id, type: "env", env: variable })}`);
}

export type BuilderName = "buildx" | "buildctl";

type Environment = Readonly<Record<string, string | undefined>>;

/** `buildctl` where the environment names a BuildKit and has its client, else `docker buildx`. */
export async function chooseBuilder(requested: BuilderName | undefined, environment: Environment): Promise<Builder> {
  const { BUILDKIT_HOST: host = "" } = environment;
  const name = requested ?? (host !== "" && isOnPath("buildctl", environment) ? "buildctl" : "buildx");
  return name === "buildctl" ? buildctl(host) : buildx(environment);
}

function isOnPath(program: string, { PATH = "" }: Environment): boolean {
  return PATH.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * BuildKit's own client; it reads BUILDKIT_HOST by itself.
 * @param host for messages; empty: the client's own default
 */
export function buildctl(host: string): Builder {
  return {
    daemon: host === "" ? "BuildKit at its usual place" : `BuildKit at ${host} (BUILDKIT_HOST)`,
    command: (build, metadataFile) => ({ program: "buildctl", args: buildctlArguments(build, metadataFile) }),
  };
}

function buildctlArguments(build: ImageBuild, metadataFile: string): string[] {
  const { repository, dockerfile } = build;
  const cache = { type: "registry", ref: cacheReference(repository), ...insecure(repository) };
  return [
    "build",
    "--progress=plain",
    "--frontend=dockerfile.v0",
    `--local=context=${build.context}`,
    `--local=dockerfile=${dirname(dockerfile)}`,
    `--opt=filename=${basename(dockerfile)}`,
    `--opt=platform=${build.platforms.join(",")}`,
    ...(build.target === undefined ? [] : [`--opt=target=${build.target}`]),
    ...argumentsOf(build).map((argument) => `--opt=build-arg:${argument}`),
    ...secretArguments(build),
    ...namedContexts(build).map((context) => `--opt=context:${context}`),
    `--import-cache=${fields(cache)}`,
    ...(build.push ? buildctlPushArguments(build, cache) : []),
    `--metadata-file=${metadataFile}`,
  ];
}

function buildctlPushArguments(
  { repository, tags, keepsLayers = true }: ImageBuild,
  cache: Readonly<Record<string, string>>,
): string[] {
  const name = tags.map((tag) => `${repository}:${tag}`).join(",");
  return [
    ...(keepsLayers ? [`--export-cache=${fields({ ...cache, ...cacheExport })}`] : []),
    `--output=${fields({ type: "image", name, push: "true", ...insecure(repository) })}`,
  ];
}

/** How the layers of a build are kept in the registry: the daemon's own builder can do so only within an image. */
type CacheForm = "registry" | "inline";

/** Docker's client, with the builder that is in use. @throws CommandError if there is none */
async function buildx(environment: Readonly<Record<string, string | undefined>>): Promise<Builder> {
  const description = await outputOf("docker", ["buildx", "inspect"], { env: environment }).catch((error: unknown) => {
    const said = error instanceof ProcessError ? error.stderr.trim() : "";
    throw new CommandError(
      `images cannot be built: \`docker buildx\` does not work here (${said || String(error)}); install Docker with buildx, or set BUILDKIT_HOST and install buildctl`,
      { cause: error },
    );
  });
  const cache = /^Driver:\s*docker\s*$/m.test(description) ? "inline" : "registry";
  return {
    daemon: "Docker",
    command: (build, metadataFile) => ({ program: "docker", args: buildxArguments(build, metadataFile, cache) }),
  };
}

export function buildxArguments(build: ImageBuild, metadataFile: string, cache: CacheForm): string[] {
  const { repository } = build;
  return [
    "buildx",
    "build",
    "--progress=plain",
    `--platform=${build.platforms.join(",")}`,
    `--file=${build.dockerfile}`,
    ...(build.target === undefined ? [] : [`--target=${build.target}`]),
    ...argumentsOf(build).map((argument) => `--build-arg=${argument}`),
    ...secretArguments(build),
    ...namedContexts(build).map((context) => `--build-context=${context}`),
    `--cache-from=${fields({ type: "registry", ref: cacheReference(repository), ...insecure(repository) })}`,
    // An attestation holds the time of the build: the same files would be another digest each time, and so new pods.
    "--provenance=false",
    ...(build.push ? buildxPushArguments(build, cache) : ["--output=type=cacheonly"]),
    `--metadata-file=${metadataFile}`,
    build.context,
  ];
}

function buildxPushArguments({ repository, tags, keepsLayers = true }: ImageBuild, cache: CacheForm): string[] {
  const reference = cacheReference(repository);
  const names = [
    ...tags.map((tag) => `${repository}:${tag}`),
    ...(keepsLayers && cache === "inline" ? [reference] : []),
  ];
  const kept =
    cache === "inline"
      ? { type: "inline" }
      : { type: "registry", ref: reference, ...insecure(repository), ...cacheExport };
  return [
    ...names.map((name) => `--tag=${name}`),
    ...(keepsLayers ? [`--cache-to=${fields(kept)}`] : []),
    `--output=${fields({ type: "image", push: "true", ...insecure(repository) })}`,
  ];
}
