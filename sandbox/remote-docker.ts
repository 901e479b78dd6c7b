import { join } from "node:path";
import { z } from "zod";
import { baseImages } from "./base-images.ts";
import { startBuildKit } from "./buildkit.ts";
import { withLock } from "./cache.ts";

/** What BuildKit needs of the sandbox; another process reads it from a file. */
export const remoteDockerSchema = z.strictObject({
  stateDir: z.string(),
  tools: z.object({
    buildkitd: z.string(),
    buildctl: z.string(),
    registry: z.string(),
    crane: z.string(),
    "dockerfile-frontend": z.string(),
  }),
  runc: z.string().optional(),
  busybox: z.string().optional(),
  /** Why one of them is missing. */
  reason: z.string().optional(),
  /** Registry that images are pushed to, as image names have it. */
  registryHost: z.string(),
});
export type RemoteDockerOptions = z.infer<typeof remoteDockerSchema>;

/**
 * Starts BuildKit with the stand-ins for Docker Hub's images if it does not run. The sandbox and its CI may ask at the same
 * time.
 *
 * @param report takes one line of progress
 * @throws Error when this machine cannot build images
 */
export async function startRemoteDocker(
  { stateDir, tools, runc, busybox, reason, registryHost }: RemoteDockerOptions,
  report: (line: string) => void,
): Promise<{ address: string; buildctl: string }> {
  if (runc === undefined || busybox === undefined)
    throw new Error(`images cannot be built: ${reason ?? "runc or busybox is missing"}`);
  const waiting = (owner: number, seconds: number): void =>
    report(`BuildKit: waiting for process ${owner}, which starts it … ${seconds} s`);
  return withLock(join(stateDir, "remote-docker.lock"), waiting, async () => {
    const images = await baseImages({ stateDir, tools, busybox, report });
    const { address } = await startBuildKit({ stateDir, tools, runc, baseImages: images, registryHost, report });
    return { address, buildctl: tools.buildctl };
  });
}
