import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fromDirectory } from "./build-context.ts";
import { isLoopback, parseImageName } from "./image-name.ts";
import type { ImageName } from "./image-name.ts";

/** One build, complete: nothing in it is unknown any more. */
export interface ImageBuild {
  image: ImageName;
  /** Whether the image goes to its registry. */
  push: boolean;
  /** The folder against which relative paths count. */
  directory: string;
  context: string;
  dockerfile: string;
  args: Record<string, string>;
  /** Names of the build arguments that are secrets. */
  secretArgs: ReadonlySet<string>;
  cacheFrom: string[];
  /** As `host:address`. */
  addHosts: string[];
  /** `host`, `none` or the default. */
  network: string | undefined;
  target: string | undefined;
  platform: string;
}

/** How `buildctl` is called for a build. */
export interface BuildCommand {
  args: string[];
  /** Added to the environment: the values of secret build arguments, which must not show in a list of processes. */
  env: Record<string, string>;
}

/**
 * The call of `buildctl` for a build.
 *
 * @param address of the BuildKit daemon
 * @param metadataFile where BuildKit writes the digests of the result
 * @throws Error for a network mode or a host that BuildKit cannot take.
 */
export function buildCommand(build: ImageBuild, address: string, metadataFile: string): BuildCommand {
  const dockerfile = fromDirectory(build.directory, build.dockerfile);
  const args = ["--addr", address, "build", "--progress", "rawjson", "--frontend", "dockerfile.v0"];
  const option = (flag: string, value: string): void => void args.push(flag, value);
  option("--local", `context=${fromDirectory(build.directory, build.context)}`);
  option("--local", `dockerfile=${dirname(dockerfile)}`);
  option("--opt", `filename=${basename(dockerfile)}`);
  option("--opt", `platform=${build.platform}`);
  if (build.target !== undefined) option("--opt", `target=${build.target}`);
  const frontend = standardFrontend(dockerfile);
  // BuildKit has the standard frontend built in: it need not be loaded from Docker Hub for its name in the first line.
  if (frontend !== undefined && build.args["BUILDKIT_SYNTAX"] === undefined) option("--opt", `cmdline=${frontend}`);
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(build.args)) {
    if (!build.secretArgs.has(name)) {
      option("--opt", `build-arg:${name}=${value}`);
    } else {
      // Without a value buildctl takes it from its environment.
      option("--opt", `build-arg:${name}`);
      env[name] = value;
    }
  }
  if (build.addHosts.length > 0) option("--opt", `add-hosts=${build.addHosts.map(hostEntry).join(",")}`);
  for (const flag of networkFlags(build.network)) args.push(...flag);
  for (const name of build.cacheFrom)
    option(
      "--import-cache",
      fields({ type: "registry", ref: name, ...insecure(parseImageName(name.replace(/@.*$/, "")).registry) }),
    );
  if (isTrue(build.args["BUILDKIT_INLINE_CACHE"])) option("--export-cache", "type=inline");
  option(
    "--output",
    fields({ type: "image", name: build.image.full, push: String(build.push), ...insecure(build.image.registry) }),
  );
  option("--metadata-file", metadataFile);
  return { args, env };
}

/** Docker speaks plain HTTP with registries on the machine itself. */
function insecure(registry: string): Record<string, string> {
  return isLoopback(registry) ? { "registry.insecure": "true" } : {};
}

/** A line of comma-separated values, as BuildKit reads them. */
function fields(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(",");
}

function hostEntry(entry: string): string {
  const separator = entry.search(/[:=]/);
  if (separator <= 0) throw new Error(`build.addHosts has the entry "${entry}": write it as host:address`);
  return `${entry.slice(0, separator)}=${entry.slice(separator + 1)}`;
}

function networkFlags(network: string | undefined): string[][] {
  if (network === undefined || network === "" || network === "default") return [];
  if (network === "none") return [["--opt", "force-network-mode=none"]];
  if (network === "host")
    return [
      ["--opt", "force-network-mode=host"],
      ["--allow", "network.host"],
    ];
  throw new Error(`build.network is "${network}", which BuildKit does not know: use "default", "host" or "none"`);
}

/** What counts as true for BUILDKIT_INLINE_CACHE in Docker. */
function isTrue(value: string | undefined): boolean {
  return value !== undefined && ["1", "t", "T", "TRUE", "true", "True"].includes(value);
}

/** The frontend in a `# syntax=` line at the Dockerfile's head, if it is a stable release of the standard one. */
function standardFrontend(dockerfile: string): string | undefined {
  for (const line of readFileSync(dockerfile, "utf8").split("\n")) {
    const directive = /^#\s*(\w+)\s*=\s*(.+?)\s*$/.exec(line);
    if (directive === null) return undefined;
    const value = directive[2] ?? "";
    if (directive[1]?.toLowerCase() === "syntax")
      return /^(?:docker\.io\/)?docker\/dockerfile(?::1(?:\.\d+){0,2})?(?:@sha256:[0-9a-f]{64})?$/.test(value)
        ? value
        : undefined;
  }
  return undefined;
}
