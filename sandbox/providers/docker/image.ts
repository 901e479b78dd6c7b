import { existsSync, statSync } from "node:fs";
import { isAbsolute, join, posix, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { errorMessage } from "../../../core/error.ts";
import { isMap } from "../../../kubernetes/json.ts";
import { hasUnknown, isSecret, reveal, revealMap, secret, type PropertyMap, type PropertyValue } from "../property.ts";
import type { CheckFailure, CheckResult, DiffKind, DiffResult } from "../resource-provider.ts";
import type { ImageBuild } from "./build-command.ts";
import { contextDigest, fromDirectory, type FileDigests } from "./build-context.ts";
import { readImageInputs, type ImageInputs } from "./image-inputs.ts";
import { parseImageName } from "./image-name.ts";
import type { BuiltImage } from "./run-build.ts";

/**
 * Completes an image's inputs as the official plugin does: context, Dockerfile and platform by default, and
 * `build.contextDigest`, the hash by which a change of a file becomes a change of the resource.
 */
export async function checkImage(news: PropertyMap, directory: string, known: FileDigests): Promise<CheckResult> {
  const given = withoutNulls(news);
  const { inputs, failures } = readImageInputs(given);
  failures.push(...nameFailures(inputs), ...fileFailures(inputs, directory));
  const digest = failures.length > 0 ? undefined : await digestOf(inputs, directory, known, failures);
  const defaults: PropertyMap = {
    ...(inputs.dockerfile === undefined ? {} : { dockerfile: inputs.dockerfile }),
    ...(inputs.context === undefined ? {} : { context: inputs.context }),
    ...(inputs.platform === undefined ? {} : { platform: inputs.platform }),
  };
  const build = completed(given["build"], defaults, digest === undefined ? {} : { contextDigest: digest });
  return {
    inputs: { ...given, build, buildOnPreview: given["buildOnPreview"] ?? false },
    // A failure that names its property would make the engine print the property's value, which may hold a secret.
    failures: failures.map(({ property, reason }) => ({ property: "", reason: `${property}: ${reason}` })),
  };
}

async function digestOf(
  inputs: ImageInputs,
  directory: string,
  known: FileDigests,
  failures: CheckFailure[],
): Promise<string | undefined> {
  const { context, dockerfile } = inputs;
  if (context === undefined || dockerfile === undefined) return undefined;
  try {
    return await contextDigest({ directory, context, dockerfile }, known);
  } catch (error) {
    failures.push({ property: "build.context", reason: errorMessage(error) });
    return undefined;
  }
}

function completed(build: PropertyValue | undefined, defaults: PropertyMap, computed: PropertyMap): PropertyValue {
  if (isSecret(build)) return secret(completed(build.value, defaults, computed));
  if (build === undefined) return { ...defaults, ...computed };
  return isMap(build) ? { ...defaults, ...build, ...computed } : build;
}

function nameFailures({ imageName, skipPush, cacheFrom, registry }: ImageInputs): CheckFailure[] {
  const failures: CheckFailure[] = [];
  // Without a registry of its own a name must tell where the image goes; so must the caches, but for the registry of the name.
  const full = cacheFrom.length > 0 || skipPush !== true;
  const check = (property: string, name: string, mustBeFull: boolean): void => {
    try {
      const parsed = parseImageName(name);
      if (!mustBeFull || parsed.full === name) return;
      failures.push({
        property,
        reason: `"${name}" does not tell its registry: write the name in full, as ${parsed.full}`,
      });
    } catch (error) {
      failures.push({ property, reason: errorMessage(error) });
    }
  };
  if (imageName !== undefined) check("imageName", imageName, full && registry.server === "");
  for (const [index, name] of cacheFrom.entries())
    check(`build.cacheFrom.images[${index}]`, name.replace(/@.*$/, ""), false);
  return failures;
}

function fileFailures({ context, dockerfile }: ImageInputs, directory: string): CheckFailure[] {
  const at = (path: string): string => fromDirectory(directory, path);
  if (context !== undefined && !statSync(at(context), { throwIfNoEntry: false })?.isDirectory()) {
    return [
      {
        property: "build.context",
        reason: `there is no folder ${at(context)}: give the build context relative to the program's folder ${directory}`,
      },
    ];
  }
  if (dockerfile === undefined || statSync(at(dockerfile), { throwIfNoEntry: false })?.isFile()) return [];
  const below = context === undefined || isAbsolute(dockerfile) ? undefined : join(context, dockerfile);
  const hint =
    below !== undefined && existsSync(at(below))
      ? `it counts from the program's folder, not from the context: set dockerfile to "${below}"`
      : `give its path relative to the program's folder ${directory}`;
  return [{ property: "build.dockerfile", reason: `there is no Dockerfile at ${at(dockerfile)}: ${hint}` }];
}

/** Nulls are absent values to the official plugin. */
function withoutNulls(map: PropertyMap): PropertyMap {
  const strip = (value: PropertyValue): PropertyValue => {
    if (Array.isArray(value)) return value.map(strip);
    return isMap(value) ? withoutNulls(value) : value;
  };
  return Object.fromEntries(
    Object.entries(map).flatMap(([key, value]) => (value === null ? [] : [[key, strip(value)]])),
  );
}

/** Whether enough is known to build at preview. */
export function canBuildOnPreview(properties: PropertyMap): boolean {
  const { inputs } = readImageInputs(properties);
  const build = revealMap(properties)["build"];
  const args = isMap(build) ? build["args"] : undefined;
  const known = [inputs.imageName, inputs.context, inputs.dockerfile].every((value) => value !== undefined);
  return inputs.buildOnPreview === true && known && !hasUnknown(args);
}

/**
 * The changed arguments, by their first level as the official plugin reports them. Nothing replaces an image:
 * an update builds and pushes it again. New credentials alone are no change, since they change no image.
 *
 * @param state the outputs in the state, which hold the inputs of the last build as `__inputs`
 */
export function diffImage(state: PropertyMap, news: PropertyMap): DiffResult {
  const last = revealMap(state)["__inputs"];
  // Nulls are absent values, also below the first level.
  const olds = withoutNulls(isMap(last) ? last : {});
  const plain = withoutNulls(revealMap(news));
  const detailedDiff: Record<string, DiffKind> = {};
  for (const key of new Set([...Object.keys(olds), ...Object.keys(plain)])) {
    const before = olds[key] ?? null;
    const after = plain[key] ?? null;
    if (isDeepStrictEqual(before, after) || (key === "registry" && sameServer(before, after))) continue;
    detailedDiff[key] = before === null ? "add" : after === null ? "delete" : "update";
  }
  return { detailedDiff };
}

/** As in the official plugin, a server that is only added or removed is no change: the image's name decides where it is pushed. */
function sameServer(before: PropertyValue, after: PropertyValue): boolean {
  if (!isMap(before) || !isMap(after)) return false;
  const servers = [before["server"] ?? null, after["server"] ?? null];
  return servers.includes(null) || servers[0] === servers[1];
}

/** The build that checked inputs ask for. */
export function imageBuild(properties: PropertyMap, inputs: ImageInputs, directory: string, push: boolean): ImageBuild {
  const known = (value: string | undefined, name: string): string => {
    if (value === undefined) throw new Error(`${name} of the image is still unknown`);
    return value;
  };
  return {
    image: parseImageName(known(inputs.imageName, "imageName")),
    push,
    directory,
    context: known(inputs.context, "build.context"),
    dockerfile: known(inputs.dockerfile, "build.dockerfile"),
    args: inputs.args,
    secretArgs: secretArgs(properties),
    cacheFrom: inputs.cacheFrom,
    addHosts: inputs.addHosts,
    network: inputs.network,
    target: inputs.target,
    platform: known(inputs.platform, "build.platform"),
  };
}

/** Names of the build arguments that came as secrets, alone or as part of a secret. */
function secretArgs(properties: PropertyMap): Set<string> {
  let value: PropertyValue | undefined = properties["build"];
  let hidden = isSecret(value);
  value = isSecret(value) ? value.value : value;
  value = isMap(value) ? value["args"] : undefined;
  hidden ||= isSecret(value);
  value = isSecret(value) ? value.value : value;
  if (!isMap(value)) return new Set();
  return new Set(Object.entries(value).flatMap(([name, item]) => (hidden || isSecret(item) ? [name] : [])));
}

/**
 * The resource's outputs after a build, with the inputs kept in `__inputs` for the next diff as the official plugin keeps them.
 * A pushed image is identified by its digest in the registry, one that stays here by its id.
 */
export function imageOutputs(
  properties: PropertyMap,
  inputs: ImageInputs,
  build: ImageBuild,
  built: BuiltImage,
): PropertyMap {
  const name = inputs.imageName ?? build.image.full;
  const like = (origin: PropertyValue | undefined, value: string): PropertyValue =>
    isSecret(origin) ? secret(value) : value;
  return {
    __inputs: secret(reveal(properties)),
    baseImageName: like(properties["imageName"], name),
    context: build.context,
    dockerfile: belowContext(build),
    imageName: like(properties["imageName"], name),
    platform: build.platform,
    registryServer: inputs.registry.server,
    repoDigest: like(properties["imageName"], build.push ? `${build.image.repository}@${built.digest}` : built.id),
  };
}

/** The Dockerfile relative to the context. */
function belowContext({ directory, context, dockerfile }: ImageBuild): string {
  const [from, to] = [fromDirectory(directory, context), fromDirectory(directory, dockerfile)];
  return relative(from, to).replaceAll("\\", posix.sep);
}
