import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { buildctl } from "./buildctl.ts";
import type { Builder } from "./builder.ts";
import { buildx } from "./buildx.ts";

export type BuilderName = "buildx" | "buildctl";

type Environment = Readonly<Record<string, string | undefined>>;

/** `buildctl` where the environment names a BuildKit and has its client, else `docker buildx`. */
export async function chooseBuilder(wanted: BuilderName | undefined, environment: Environment): Promise<Builder> {
  const { BUILDKIT_HOST: host = "" } = environment;
  const name = wanted ?? (host !== "" && isOnPath("buildctl", environment) ? "buildctl" : "buildx");
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
