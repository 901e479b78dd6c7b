import { existsSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { isMap } from "../../../kubernetes/json.ts";
import { hasUnknown, isSecret, revealMap, secret, type PropertyMap, type PropertyValue } from "../property.ts";
import type { CheckFailure, CheckResult } from "../resource-provider.ts";
import { contextDigest, type FileDigests } from "./context-digest.ts";
import { readImageInputs, type ImageInputs } from "./image-inputs.ts";
import { parseImageName } from "./image-name.ts";

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
    failures.push({ property: "build.context", reason: error instanceof Error ? error.message : String(error) });
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
      failures.push({ property, reason: error instanceof Error ? error.message : String(error) });
    }
  };
  if (imageName !== undefined) check("imageName", imageName, full && registry.server === "");
  for (const [index, name] of cacheFrom.entries())
    check(`build.cacheFrom.images[${index}]`, name.replace(/@.*$/, ""), false);
  return failures;
}

function fileFailures({ context, dockerfile }: ImageInputs, directory: string): CheckFailure[] {
  const at = (path: string): string => (isAbsolute(path) ? path : join(directory, path));
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
  const wayOut =
    below !== undefined && existsSync(at(below))
      ? `it counts from the program's folder, not from the context: set dockerfile to "${below}"`
      : `give its path relative to the program's folder ${directory}`;
  return [{ property: "build.dockerfile", reason: `there is no Dockerfile at ${at(dockerfile)}: ${wayOut}` }];
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
