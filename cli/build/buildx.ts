import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CommandError } from "../command.ts";
import { cacheExport, cacheReference, fields, insecure, type Builder } from "./builder.ts";
import type { ImageBuild } from "./image-build.ts";

/** How the layers of a build are kept in the registry: the daemon's own builder can do so only within an image. */
export type CacheForm = "registry" | "inline";

/** Docker's client, with the builder that is in use. @throws CommandError if there is none */
export async function buildx(environment: Readonly<Record<string, string | undefined>>): Promise<Builder> {
  const description = await promisify(execFile)("docker", ["buildx", "inspect"], { env: environment }).catch(
    (error: unknown) => {
      const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
      throw new CommandError(
        `images cannot be built: \`docker buildx\` does not work here (${said || String(error)}); install Docker with buildx, or set BUILDKIT_HOST and install buildctl`,
        { cause: error },
      );
    },
  );
  const cache = /^Driver:\s*docker\s*$/m.test(description.stdout) ? "inline" : "registry";
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
    `--platform=${build.platform}`,
    `--file=${build.dockerfile}`,
    `--cache-from=${fields({ type: "registry", ref: cacheReference(repository), ...insecure(repository) })}`,
    // An attestation holds the time of the build: the same files would be another digest each time, and so new pods.
    "--provenance=false",
    ...(build.push ? pushArguments(build, cache) : ["--output=type=cacheonly"]),
    `--metadata-file=${metadataFile}`,
    build.context,
  ];
}

function pushArguments({ repository, tags }: ImageBuild, cache: CacheForm): string[] {
  const reference = cacheReference(repository);
  const names = [...tags.map((tag) => `${repository}:${tag}`), ...(cache === "inline" ? [reference] : [])];
  const kept =
    cache === "inline"
      ? { type: "inline" }
      : { type: "registry", ref: reference, ...insecure(repository), ...cacheExport };
  return [
    ...names.map((name) => `--tag=${name}`),
    `--cache-to=${fields(kept)}`,
    `--output=${fields({ type: "image", push: "true", ...insecure(repository) })}`,
  ];
}
