import { basename, dirname } from "node:path";
import { cacheExport, cacheReference, fields, insecure, type Builder } from "./builder.ts";
import type { ImageBuild } from "./image-build.ts";

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
    `--opt=platform=${build.platform}`,
    `--import-cache=${fields(cache)}`,
    ...(build.push ? pushArguments(build, cache) : []),
    `--metadata-file=${metadataFile}`,
  ];
}

function pushArguments({ repository, tags }: ImageBuild, cache: Readonly<Record<string, string>>): string[] {
  const name = tags.map((tag) => `${repository}:${tag}`).join(",");
  return [
    `--export-cache=${fields({ ...cache, ...cacheExport })}`,
    `--output=${fields({ type: "image", name, push: "true", ...insecure(repository) })}`,
  ];
}
