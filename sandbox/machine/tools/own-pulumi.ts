import { runProcess } from "../../../core/process.ts";
import { which } from "../which.ts";

/** The version of the Pulumi CLI that the sandbox builds. */
export const pulumiVersion = "3.258.0";

/** The machine's own Pulumi CLI, if it is not older than the one that the sandbox would build, and of the same major version. */
export async function pulumiOnPath(): Promise<string | undefined> {
  const path = which("pulumi");
  if (path === undefined) return undefined;
  try {
    const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const { code, stdout } = await runProcess(path, ["version"], { env, cwd: "/", timeoutSeconds: 10 });
    return code === 0 && isRecent(stdout.toString().trim(), pulumiVersion) ? path : undefined;
  } catch {
    // It cannot be started, e.g. since it is for another kind of machine.
    return undefined;
  }
}

/** Whether a version can stand in for another: releases only, since nobody knows what a build of a branch has. */
export function isRecent(version: string, oldest: string): boolean {
  const found = numbers(version);
  const least = numbers(oldest);
  if (found === undefined || least === undefined || found[0] !== least[0]) return false;
  return found[1] > least[1] || (found[1] === least[1] && found[2] >= least[2]);
}

function numbers(version: string): readonly [number, number, number] | undefined {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)$/.exec(version) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}
