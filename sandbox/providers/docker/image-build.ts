import { isAbsolute, join, posix, relative } from "node:path";
import { isMap } from "../../../kubernetes/json.ts";
import { isSecret, reveal, secret, type PropertyMap, type PropertyValue } from "../property.ts";
import type { ImageBuild } from "./build-command.ts";
import type { ImageInputs } from "./image-inputs.ts";
import { parseImageName } from "./image-name.ts";
import type { BuiltImage } from "./run-build.ts";

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
 * A pushed image is told by its digest in the registry, one that stays here by its id.
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
  const at = (path: string): string => (isAbsolute(path) ? path : join(directory, path));
  return relative(at(context), at(dockerfile)).replaceAll("\\", posix.sep);
}
